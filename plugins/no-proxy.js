'use strict';

const PROXIES = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'proxy'];
const aside = {};

/**
 * NO_PROXY for osls, which sends every call of AWS through the proxies that it finds and does not
 * read NO_PROXY: where that names the host of AWS_ENDPOINT_URL, this process forgets the proxies.
 */
module.exports = class NoProxy {
  constructor() {
    const host = hostOf(process.env.AWS_ENDPOINT_URL);
    const exempt = `${process.env.NO_PROXY ?? ''},${process.env.no_proxy ?? ''}`.split(',');
    if (!host || !exempt.some((entry) => matches(host, entry.trim()))) return;
    for (const name of PROXIES.filter((each) => each in process.env)) {
      aside[name] = process.env[name];
      delete process.env[name];
    }
  }
};

/** The environment with its proxies, for programs that read NO_PROXY themselves. */
module.exports.environment = () => ({ ...process.env, ...aside });

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
