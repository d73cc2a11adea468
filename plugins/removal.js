'use strict';

const { execFile } = require('node:child_process');
const path = require('node:path');
const { promisify } = require('node:util');

const { environment } = require('./no-proxy');

/**
 * `sls remove` refuses while the stage's endpoint exists, which is no resource of the stack and costs
 * on; `--param endpoint=delete` deletes it along. Afterwards it prints what stays, and what that costs.
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
    const params = [this.options.param ?? []].flat();
    const args = ['-E', '-s', '-m', 'scripts.removal', '--stage', this.serverless.getProvider('aws').getStage()];
    if (params.includes('endpoint=delete')) args.push('--delete-endpoint');
    const cwd = this.serverless.serviceDir;
    const doing = this.progress.create({ message: "Looking for the stage's endpoint" });
    try {
      const { stdout } = await promisify(execFile)(path.join(cwd, '.venv/bin/python'), args, { cwd, env: environment() });
      this.stays = stdout.trimEnd();
    } catch (error) {
      const reason = (error.stderr || error.message).trim().split('\n').pop();
      throw new this.serverless.classes.Error(reason.replace(/^error: /, ''), 'REMOVAL');
    } finally {
      doing.remove();
    }
  }
};
