'use strict';

const PROXIES = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'proxy'];
const removed = {};

/**
 * NO_PROXY for osls, which does not read it and sends all calls of AWS through the proxies: if NO_PROXY
 * names the host of AWS_ENDPOINT_URL, the proxies are removed from this process's environment.
 */
module.exports = class NoProxy {
  constructor() {
    const host = hostOf(process.env.AWS_ENDPOINT_URL);
    const exempt = `${process.env.NO_PROXY ?? ''},${process.env.no_proxy ?? ''}`.split(',');
    if (!host || !exempt.some((entry) => matches(host, entry.trim()))) return;
    for (const name of PROXIES.filter((each) => each in process.env)) {
      removed[name] = process.env[name];
      delete process.env[name];
    }
  }
};

/** The environment with the proxies, for programs that read NO_PROXY themselves. */
module.exports.environment = () => ({ ...process.env, ...removed });

function hostOf(url) {
  try {
    return new URL(url).hostname;
  } catch {
    return undefined;
  }
}

function matches(host, entry) {
  const domain = entry.replace(/^\*?\./, '');
  return entry === '*' || (domain !== '' && (host === domain || host.endsWith(`.${domain}`)));
}
