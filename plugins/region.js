'use strict';

const LOCAL = 'us-east-1'; // the local cloud has no other
// Of the text as it stands: parsers of addresses disagree about where a host begins and what it is.
// service/stack.py has the same.
const LOOPBACK = /^https?:\/\/(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?\/?$/i;

/**
 * The region that `sls` works in, by the rule of service/stack.py: AWS_REGION, else AWS_DEFAULT_REGION,
 * else the local cloud's. `named` is undefined where there is none: guard.js refuses that.
 * `sls print` alone goes on, with the local cloud's.
 */
function named(environment) {
  const { AWS_REGION, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL } = environment;
  return AWS_REGION || AWS_DEFAULT_REGION || (isLoopback(AWS_ENDPOINT_URL) ? LOCAL : undefined);
}

/** Whether an address, as AWS_ENDPOINT_URL holds it, is on this machine's loopback interface. */
function isLoopback(address) {
  return LOOPBACK.test(address ?? '');
}

module.exports = { named, isLoopback, region: named(process.env) ?? LOCAL };
