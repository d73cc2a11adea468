'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

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

/** What is wrong with the region; undefined if nothing. `options` may have `region` and `aws-profile`. */
function regionProblem(environment, options) {
  const region = findRegion(environment);
  if (!region) {
    const profile = profileRegion(environment, options['aws-profile']);
    const example = options.region ?? profile ?? 'eu-central-1';
    const unused = profile ? ` (your profile's region, ${profile}, is not used)` : '';
    return `no region is named${unused}. Run: export AWS_REGION=${example}`;
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

function profileRegion(environment, option) {
  const profile = option ?? (environment.AWS_PROFILE || 'default');
  const file = environment.AWS_CONFIG_FILE || path.join(os.homedir(), '.aws', 'config');
  if (!fs.existsSync(file)) return undefined;
  const sections = fs.readFileSync(file, 'utf8').split(/^\s*\[/m);
  const own = sections.find((section) => /^(?:profile\s+)?([^\]]*?)\s*\]/.exec(section)?.[1] === profile);
  return /^\s*region\s*=\s*(\S+)/m.exec(own)?.[1];
}

Object.assign(module.exports, { regionProblem, stageProblem, lengthProblem });
