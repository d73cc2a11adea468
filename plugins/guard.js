'use strict';

const { definitions } = require('../config.schema.json');
const refuse = require('./refuse');
const { findRegion } = require('./region');

const REGION = new RegExp(definitions.region.pattern);
const OTHER_PARTITIONS = new RegExp(definitions.region.not.pattern);

/**
 * Refuses a region in which the commands would not look and a stage that AWS would refuse, before `sls` does
 * anything; a stage that is too long only for `deploy` and `package`. `print` calls no cloud and is let through.
 */
module.exports = class Guard {
  constructor(serverless, options) {
    const { commands, isHelpRequest } = serverless.processedInput;
    if (isHelpRequest || commands[0] === 'print') return;
    const stage = serverless.getProvider('aws').getStage();
    const creates = ['deploy', 'package'].includes(commands.join(' '));
    const problem =
      regionProblem(process.env, options) ??
      stageProblem(stage) ??
      (creates ? lengthProblem(serverless.service.service, stage) : undefined);
    if (problem) refuse(`error: ${problem}`);
  }
};

/** What is wrong with the region; undefined if nothing. `options` are those of `sls`. */
function regionProblem(environment, options) {
  const region = findRegion(environment);
  if (!region) {
    return `no region is named (a profile's is not used). Run: export AWS_REGION=${options.region ?? 'eu-central-1'}`;
  }
  // service/stack.py has these two messages too.
  if (!REGION.test(region)) return `${JSON.stringify(region)} is no region. Run: export AWS_REGION=eu-central-1`;
  if (OTHER_PARTITIONS.test(region)) {
    return `${region} is outside AWS's commercial partition, the only one that this service is made for`;
  }
  if (options.region && options.region !== region) {
    return (
      `--region ${options.region} is not the ${region} of the environment, where the scripts would look. ` +
      `Run: export AWS_REGION=${options.region}`
    );
  }
  return undefined;
}

/** What is wrong with a stage's name; undefined if nothing. service/config.py has the same rule. */
function stageProblem(stage) {
  if (new RegExp(definitions.stage.pattern).test(stage)) return undefined;
  return `${JSON.stringify(stage)} is no stage name: lower-case letters and digits, with single hyphens between them`;
}

/** What is wrong with the length of a stage's name; undefined if nothing. A deployed stage may be longer. */
function lengthProblem(service, stage) {
  const most = definitions.stack.maxLength - `${service}-`.length;
  if (stage.length <= most) return undefined;
  return `the stage '${stage}' is too long to deploy: take at most ${most} characters, which AWS's names have room for`;
}

Object.assign(module.exports, { regionProblem, stageProblem, lengthProblem });
