'use strict';

const Ajv = require('ajv');

const schema = require('../config.schema.json');
const refuse = require('./refuse');

const validate = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true }).compile(schema);

/**
 * config.yml's content. Where it is not what config.schema.json asks for, `sls` ends with a line that
 * says so, before it looks for a key that may be missing.
 */
module.exports = async ({ resolveVariable }) => {
  const config = await read(resolveVariable);
  const found = problems(config);
  if (found.length) refuse(`error: config.yml: ${found.join('; ')}`);
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

/** What is wrong: for each value its path, the value, and what is expected. */
function problems(config) {
  return validate(config) ? [] : validate.errors.map(describe);
}

function describe({ instancePath, keyword, params, message, data }) {
  const path = instancePath.slice(1).replaceAll('/', '.');
  const place = path && `${path}: `;
  if (keyword === 'required') return `${place}${message}`;
  if (keyword === 'additionalProperties') return `${place}unknown key ${params.additionalProperty}`;
  // osls makes null of numbers that JSON does not have.
  return `${place}${data === null ? 'null, .nan or .inf' : JSON.stringify(data)} ${message}`;
}

module.exports.problems = problems;
