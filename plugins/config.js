'use strict';

const Ajv = require('ajv');

const schema = require('../config.schema.json');
const refuse = require('./refuse');

const validate = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true }).compile(schema);

/** config.yml's content. If it does not fit config.schema.json, `sls` ends with one line that says so. */
module.exports = async ({ resolveVariable }) => {
  const config = await read(resolveVariable);
  const wrong = problems(config);
  if (wrong.length) refuse(`error: config.yml: ${wrong.join('; ')}`);
  return config;
};

async function read(resolveVariable) {
  try {
    return await resolveVariable('file(config.yml)');
  } catch (error) {
    const reason = error.message.replace(/^Cannot resolve variable at "[^"]*": /, '').replace(/\s+/g, ' ');
    return refuse(`error: config.yml is missing, empty or not YAML: ${reason}`);
  }
}

/** What is wrong with config.yml's content: each value's path, the value, and what is expected. */
function problems(config) {
  return validate(config) ? [] : validate.errors.map(describe);
}

function describe({ instancePath, keyword, params, message, data }) {
  const path = instancePath.slice(1).replaceAll('/', '.');
  const prefix = path && `${path}: `;
  if (keyword === 'required') return `${prefix}${message}`;
  if (keyword === 'additionalProperties') return `${prefix}unknown key ${params.additionalProperty}`;
  return `${prefix}${JSON.stringify(data)} ${message}`;
}

module.exports.problems = problems;
