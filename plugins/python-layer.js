'use strict';

const { execFile } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');

const { environment } = require('./no-proxy');

const REQUIREMENTS = 'handlers/requirements.txt';
const CONSTRAINTS = 'constraints.txt';
const PLATFORMS = {
  arm64: ['manylinux2014_aarch64', 'manylinux_2_28_aarch64'],
  x86_64: ['manylinux2014_x86_64', 'manylinux_2_28_x86_64'],
};
// Of no use to the functions. Lambda has boto3 itself.
const SUPERFLUOUS = /^(bin|__pycache__|tests?|boto3|botocore|s3transfer)$/;

/**
 * Installs handlers/requirements.txt for the layer `pythonDependencies`, with pip alone: for the runtime
 * and architecture that serverless.yml names or, where the functions will run elsewhere, for
 * LAMBDA_LAYER_PYTHON (such as 3.13) and LAMBDA_LAYER_PLATFORM (pip's platform tags, with commas
 * between them). Each combination of inputs has a folder below the layer's `path`, made once.
 */
module.exports = class PythonLayer {
  constructor(serverless, options, { progress }) {
    this.serverless = serverless;
    this.progress = progress;
    this.hooks = { 'before:package:createDeploymentArtifacts': () => this.build() };
  }

  async build() {
    const { runtime, architecture } = this.serverless.service.provider;
    const version = process.env.LAMBDA_LAYER_PYTHON || runtime.replace('python', '');
    const platforms = process.env.LAMBDA_LAYER_PLATFORM?.split(',') ?? PLATFORMS[architecture];
    const inputs = [REQUIREMENTS, CONSTRAINTS, __filename].map((name) =>
      fs.readFileSync(path.resolve(this.serverless.serviceDir, name), 'utf8'));
    const digest = crypto.createHash('sha256').update(JSON.stringify([version, platforms, inputs]));

    const layer = this.serverless.service.getLayer('pythonDependencies');
    layer.path = path.join(layer.path, digest.digest('hex').slice(0, 16));
    const folder = path.join(this.serverless.serviceDir, layer.path);
    if (fs.existsSync(folder)) return;

    const doing = this.progress.create({ message: `Installing dependencies for Python ${version}` });
    const unfinished = `${folder}.${process.pid}`;
    try {
      await this.pip(path.join(unfinished, 'python'), version, platforms);
      prune(unfinished);
      moveInto(folder, unfinished);
    } finally {
      fs.rmSync(unfinished, { recursive: true, force: true });
      doing.remove();
    }
  }

  async pip(target, version, platforms) {
    const own = path.join(this.serverless.serviceDir, '.venv/bin/python');
    const args = [
      // Not pip itself: a person's settings may lead that elsewhere.
      '-E', '-s', '-m', 'setup.pip', 'install', '--quiet', '--no-compile',
      '--only-binary=:all:', '--implementation', 'cp', '--python-version', version,
      ...platforms.flatMap((platform) => ['--platform', platform]),
      '--requirement', REQUIREMENTS, '--constraint', CONSTRAINTS, '--target', target,
    ];
    try {
      const cwd = this.serverless.serviceDir;
      await promisify(execFile)(fs.existsSync(own) ? own : 'python3', args, { cwd, env: environment() });
    } catch (error) {
      const reason = (error.stderr || error.message).trim().split('\n').pop();
      const message = `pip could not install ${REQUIREMENTS} for Python ${version}: ${reason}`;
      throw new this.serverless.classes.Error(message, 'PYTHON_LAYER');
    }
  }
};

// Another packaging may have made the same folder meanwhile: then that is taken.
function moveInto(folder, unfinished) {
  try {
    fs.renameSync(unfinished, folder);
  } catch (error) {
    if (!fs.existsSync(folder)) throw error;
  }
}

function prune(folder) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (!entry.isDirectory()) continue;
    if (SUPERFLUOUS.test(entry.name)) fs.rmSync(file, { recursive: true });
    else prune(file);
  }
}
