'use strict';

const LOCAL = 'us-east-1'; // the local cloud has no other
// Matched as text: parsers disagree about the host of an address. service/stack.py has it too.
const LOOPBACK = /^https?:\/\/(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?\/?$/i;

/**
 * The region of `sls`, by the rule of service/stack.py: AWS_REGION, else AWS_DEFAULT_REGION, else the local
 * cloud's. If there is none guard.js refuses every command but `print`, which goes on with the local cloud's.
 */
function findRegion(environment) {
  const { AWS_REGION, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL } = environment;
  return AWS_REGION || AWS_DEFAULT_REGION || (isLoopback(AWS_ENDPOINT_URL) ? LOCAL : undefined);
}

/** Whether AWS_ENDPOINT_URL's value is a loopback address. */
function isLoopback(address) {
  return LOOPBACK.test(address ?? '');
}

module.exports = { findRegion, isLoopback, region: findRegion(process.env) ?? LOCAL };
