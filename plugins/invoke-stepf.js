'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { setTimeout } = require('node:timers/promises');

const refuse = require('./refuse');

const FIRST_WAIT = 250; // ms
const LONGEST_WAIT = 5000;

/**
 * Changes `sls invoke stepf` of serverless-step-functions: --data may name a file (also as @batch.json),
 * standard output is the execution as JSON, its input and output too, even if it failed, the exit status is 0 only if it succeeded,
 * and the first polls come faster than every 5 s.
 */
module.exports = class InvokeStepf {
  constructor(serverless, options) {
    this.serverless = serverless;
    this.options = options;
    this.hooks = { 'before:invoke:stepf:invoke': () => this.prepare() };
  }

  prepare() {
    const stepf = this.serverless.pluginManager.plugins.find(
      (plugin) => plugin.constructor.name === 'ServerlessStepFunctions',
    );
    stepf.invoke = async () => {
      await stepf.getStateMachineArn();
      await stepf.startExecution();
      const { $metadata, ...execution } = await stepf.describeExecution();
      for (const field of ['input', 'output', 'cause']) {
        if (isJson(execution[field])) execution[field] = JSON.parse(execution[field]); // Step Functions gives them as text
      }
      process.stderr.write('\n');
      process.stdout.write(`${JSON.stringify(execution, null, 2)}\n`);
      if (execution.status === 'SUCCEEDED') return;
      process.stderr.write(`The execution ended ${execution.status}${execution.error ? `: ${execution.error}` : ''}\n`);
      process.exitCode = 1;
    };
    this.serverless.cli.printDot = () => process.stderr.write('.');
    let wait = FIRST_WAIT / 2;
    stepf.setTimeout = () => {
      wait = Math.min(2 * wait, LONGEST_WAIT);
      return setTimeout(wait);
    };
    if (this.options.data !== undefined) this.options.data = this.read(this.options.data);
  }

  read(data) {
    if (isJson(data)) return data;
    const file = path.resolve(this.serverless.serviceDir, data.replace(/^@/, ''));
    if (!fs.statSync(file, { throwIfNoEntry: false })?.isFile()) return refuse(`--data ${data} is neither JSON nor a file`);
    const text = fs.readFileSync(file, 'utf8').replace(/^\ufeff/, ''); // the byte order mark of some editors
    return isJson(text) ? text : refuse(`--data ${data} names a file that does not hold JSON in UTF-8`);
  }
};

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
