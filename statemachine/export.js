'use strict';

// Writes the deployed state machines, with ${...} for CloudFormation's names, to the folder of the argument or
// beside this file: for Workflow Studio, viewers and the tests.
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const folder = process.argv[2] ?? __dirname;
const sls = [require.resolve('osls/bin/serverless.js'), 'print', '--format', 'json'];
const printed = execFileSync(process.execPath, [...sls, '--path', 'stepFunctions.stateMachines'], {
  cwd: path.dirname(__dirname),
});

const machines = JSON.parse(printed, (key, value) => {
  if (value?.Ref) return `\${${value.Ref}}`;
  // serverless-step-functions takes a function's key for its logical ID.
  const [name, attribute] = (key === 'FunctionName' && value?.['Fn::GetAtt']) || [];
  return name ? `\${${name[0].toUpperCase()}${name.slice(1)}LambdaFunction.${attribute}}` : value;
});
for (const [key, machine] of Object.entries(machines)) {
  const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  fs.writeFileSync(path.join(folder, `${name}.asl.json`), `${JSON.stringify(machine.definition, null, 2)}\n`);
}
