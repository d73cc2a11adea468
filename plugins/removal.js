'use strict';

const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');

const { environment } = require('./no-proxy');

const KEYS = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'];

/**
 * `sls remove` refuses while the stage has an endpoint, which is no resource of the stack and would go on to
 * cost; `--param endpoint=delete` deletes it too. After the removal it prints what stays, and its cost.
 */
module.exports = class Removal {
  constructor(serverless, options, { log, progress }) {
    Object.assign(this, { serverless, options, log, progress });
    this.hooks = {
      'before:remove:remove': () => this.prepare(),
      'after:remove:remove': () => this.stays && this.log.notice(this.stays),
    };
  }

  async prepare() {
    const { classes, serviceDir: cwd } = this.serverless;
    const provider = this.serverless.getProvider('aws');
    const params = [this.options.param ?? []].flat();
    const args = ['-E', '-s', '-m', 'scripts.removal', '--stage', provider.getStage()];
    if (params.includes('endpoint=delete')) args.push('--delete-endpoint');
    // The account and region of the stack.
    const env = { ...environment(), AWS_REGION: provider.getRegion() };
    if (this.options['aws-profile']) {
      for (const key of KEYS) delete env[key]; // boto3 would prefer them
      env.AWS_PROFILE = this.options['aws-profile'];
    }
    const python = path.join(cwd, '.venv/bin/python');
    if (!fs.existsSync(python)) throw new classes.Error('There is no .venv to look for the endpoint with: make setup', 'REMOVAL');
    const notice = this.progress.create({ message: "Looking for the stage's endpoint" });
    try {
      const { stdout } = await promisify(execFile)(python, args, { cwd, env });
      this.stays = stdout.trimEnd();
    } catch (error) {
      const reason = (error.stderr || error.message).trim().split('\n').pop();
      throw new classes.Error(reason.replace(/^error: /, ''), 'REMOVAL');
    } finally {
      notice.remove();
    }
  }
};
