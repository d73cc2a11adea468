'use strict';

// Writes the state machine as it is deployed, with ${...} where CloudFormation fills in names, to the
// file given or to classify.asl.json beside this one: for Workflow Studio, viewers and the tests.
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const file = process.argv[2] ?? path.join(__dirname, 'classify.asl.json');
const sls = [require.resolve('osls/bin/serverless.js'), 'print', '--format', 'json'];
const printed = execFileSync(process.execPath, [...sls, '--path', 'stepFunctions.stateMachines.classify.definition'], {
  cwd: path.dirname(__dirname),
});

const definition = JSON.parse(printed, (key, value) => {
  if (value?.Ref) return `\${${value.Ref}}`;
  // serverless-step-functions takes a function's key for its logical ID.
  const [name, attribute] = value?.['Fn::GetAtt'] ?? [];
  return name ? `\${${name[0].toUpperCase()}${name.slice(1)}LambdaFunction.${attribute}}` : value;
});
fs.writeFileSync(file, `${JSON.stringify(definition, null, 2)}\n`);
