'use strict';

const { isLoopback } = require('./region');

const PROXIES = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'proxy'];
const removed = {};

/**
 * osls sends all calls of AWS through the proxies and reads no NO_PROXY: for a cloud on this machine the
 * proxies are removed from its process's environment.
 */
module.exports = class NoProxy {
  constructor() {
    if (!isLoopback(process.env.AWS_ENDPOINT_URL)) return;
    for (const name of PROXIES.filter((each) => each in process.env)) {
      removed[name] = process.env[name];
      delete process.env[name];
    }
  }
};

/** The environment with the proxies, for programs that read NO_PROXY themselves. */
module.exports.environment = () => ({ ...process.env, ...removed });
