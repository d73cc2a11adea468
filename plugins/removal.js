'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const { environment } = require('./no-proxy');
const refuse = require('./refuse');

const KEYS = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'];

/**
 * `sls remove` refuses while the stage has an endpoint, which is no resource of the stack and would go on to
 * cost, and says what will stay.
 */
module.exports = class Removal {
  constructor(serverless, options) {
    this.hooks = { 'before:remove:remove': () => this.check(serverless, options) };
  }

  check(serverless, options) {
    const cwd = serverless.serviceDir;
    const provider = serverless.getProvider('aws');
    const python = path.join(cwd, '.venv/bin/python');
    if (!fs.existsSync(python)) refuse('error: There is no .venv to look for the endpoint with: make setup');
    // The account and region of the stack.
    const env = { ...environment(), AWS_REGION: provider.getRegion() };
    if (options['aws-profile']) {
      for (const key of KEYS) delete env[key]; // boto3 would prefer them
      env.AWS_PROFILE = options['aws-profile'];
    }
    const args = ['-E', '-s', '-m', 'scripts.removal', '--stage', provider.getStage()];
    if (spawnSync(python, args, { cwd, env, stdio: 'inherit' }).status !== 0) process.exit(1);
  }
};
