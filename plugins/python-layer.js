'use strict';

const { execFile } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');

const { environment } = require('./no-proxy');
const { isLoopback } = require('./region');

const REQUIREMENTS = 'handlers/requirements.txt';
const LOCK = 'handlers/requirements-lock.txt';
const PLATFORMS = {
  arm64: ['manylinux2014_aarch64', 'manylinux_2_28_aarch64'],
  x86_64: ['manylinux2014_x86_64', 'manylinux_2_28_x86_64'],
};
// Lambda has boto3 itself. RECORD holds digests of files in bin/, which name the Python that pip ran on: without it
// a layer is the same wherever it is made.
const SUPERFLUOUS = /^(bin|__pycache__|tests?|boto3|botocore|s3transfer|RECORD)$/;

/**
 * Installs handlers/requirements-lock.txt, which has the hashes of all files, for the layer
 * `pythonDependencies`: for the runtime and architecture of serverless.yml or, on the local cloud, for
 * LAMBDA_LAYER_PYTHON (such as 3.13) and LAMBDA_LAYER_PLATFORM (pip's platform tags with commas between
 * them). Files come from the index LAYER_INDEX_URL, else pip's own. Each combination of inputs has a folder
 * of its own below the layer's `path`, made once.
 */
module.exports = class PythonLayer {
  constructor(serverless, options, { log, progress }) {
    this.serverless = serverless;
    this.log = log;
    this.progress = progress;
    this.hooks = {
      'before:package:createDeploymentArtifacts': () => this.build(),
      'before:package:compileLayers': () => this.keepWithDeployment(),
    };
  }

  /**
   * Each deployment brings its own file of the layer. osls would leave an equal layer to the file of an older
   * deployment and remove that after five more; `sls rollback` could not make the layer again. Nor does `sls package`
   * ask a cloud, then, what is deployed.
   */
  keepWithDeployment() {
    const compiler = this.serverless.pluginManager.plugins.find(({ compareWithLastLayer }) => compareWithLastLayer);
    compiler.compareWithLastLayer = async () => {};
  }

  async build() {
    const { version, platforms } = this.target();
    const lock = this.read(LOCK);
    const missing = pins(this.read(REQUIREMENTS)).filter((pin) => !lock.includes(`${pin} \\\n`));
    if (missing.length) this.fail(`${LOCK} lacks ${missing.join(', ')}: run python -m setup.lock_layer`);
    const inputs = [lock, fs.readFileSync(__filename, 'utf8')];
    const digest = crypto.createHash('sha256').update(JSON.stringify([version, platforms, inputs]));

    const layer = this.serverless.service.getLayer('pythonDependencies');
    layer.path = path.join(layer.path, digest.digest('hex').slice(0, 16));
    const folder = path.join(this.serverless.serviceDir, layer.path);
    if (fs.existsSync(folder)) return;

    const notice = this.progress.create({ message: `Installing dependencies for Python ${version}` });
    const unfinished = `${folder}.${process.pid}`;
    try {
      await this.pip(path.join(unfinished, 'python'), version, platforms);
      prune(unfinished);
      moveInto(folder, unfinished);
    } finally {
      fs.rmSync(unfinished, { recursive: true, force: true });
      notice.remove();
    }
  }

  /** The Python that the layer is for, and pip's tags of its platform. */
  target() {
    const { runtime, architecture } = this.serverless.service.provider;
    const { AWS_ENDPOINT_URL, LAMBDA_LAYER_PYTHON, LAMBDA_LAYER_PLATFORM } = process.env;
    const own = { version: runtime.replace('python', ''), platforms: PLATFORMS[architecture] };
    if (!LAMBDA_LAYER_PYTHON && !LAMBDA_LAYER_PLATFORM) return own;
    if (!isLoopback(AWS_ENDPOINT_URL)) {
      this.log.warning(
        'LAMBDA_LAYER_PYTHON and LAMBDA_LAYER_PLATFORM count on the local cloud alone: ignored. ' +
          'For a shell without them: eval "$(python -m local env --unset)"',
      );
      return own;
    }
    return {
      version: LAMBDA_LAYER_PYTHON || own.version,
      platforms: LAMBDA_LAYER_PLATFORM ? LAMBDA_LAYER_PLATFORM.split(',') : own.platforms,
    };
  }

  async pip(target, version, platforms) {
    const { serviceDir: cwd } = this.serverless;
    const own = path.join(cwd, '.venv/bin/python');
    const args = [
      // Not pip itself, which follows a person's settings.
      '-E', '-s', '-m', 'setup.pip', 'install', '--quiet', '--no-compile', '--require-hashes', '--only-binary=:all:',
      '--implementation', 'cp', '--python-version', version,
      ...platforms.flatMap((platform) => ['--platform', platform]),
      '--requirement', LOCK, '--target', target,
    ];
    try {
      await promisify(execFile)(fs.existsSync(own) ? own : 'python3', args, { cwd, env: environment() });
    } catch (error) {
      this.fail(`pip could not install ${LOCK} for Python ${version}: ${reason(error.stderr || error.message)}`);
    }
  }

  read(name) {
    return fs.readFileSync(path.resolve(this.serverless.serviceDir, name), 'utf8').replaceAll('\r\n', '\n');
  }

  fail(message) {
    throw new this.serverless.classes.Error(message, 'PYTHON_LAYER');
  }
};

/** The pins of a requirements file, spelt as in the lock. */
function pins(text) {
  return text.split('\n').filter((line) => /^\w/.test(line)).map((line) => line.trim().toLowerCase().replaceAll('_', '-'));
}

/** pip's errors in one line; they may have several, after other output. */
function reason(output) {
  const errors = output.slice(Math.max(output.indexOf('ERROR:'), 0)).replaceAll('ERROR:', ' ');
  return errors.trim().replace(/\s+/g, ' ').slice(0, 500);
}

/** Moves the folder into place, unless another `sls` has made it meanwhile. */
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
    if (SUPERFLUOUS.test(entry.name)) fs.rmSync(file, { recursive: true });
    else if (entry.isDirectory()) prune(file);
  }
}
