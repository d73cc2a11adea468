'use strict';

const { execFile } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');

const { environment } = require('./no-proxy');
const { isLoopback } = require('./region');

const INPUTS = ['handlers/requirements.txt', 'handlers/requirements-lock.txt', 'setup/install_layer.py'];
const PLATFORMS = {
  arm64: ['manylinux2014_aarch64', 'manylinux_2_28_aarch64'],
  x86_64: ['manylinux2014_x86_64', 'manylinux_2_28_x86_64'],
};

/**
 * Has setup/install_layer.py make the layer `pythonDependencies`: for the runtime and architecture of
 * serverless.yml or, on the local cloud, for LAMBDA_LAYER_PYTHON (such as 3.13) and LAMBDA_LAYER_PLATFORM
 * (pip's platform tags with commas between them). Each combination of inputs has a folder of its own below
 * the layer's `path`, made once.
 */
module.exports = class PythonLayer {
  constructor(serverless, options, { log, progress }) {
    Object.assign(this, { serverless, log, progress });
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
    const { serviceDir, service } = this.serverless;
    const { version, platforms } = this.target();
    const inputs = [version, platforms, ...INPUTS.map((name) => fs.readFileSync(path.join(serviceDir, name), 'utf8'))];
    const digest = crypto.createHash('sha256').update(JSON.stringify(inputs)).digest('hex');
    const layer = service.getLayer('pythonDependencies');
    layer.path = path.join(layer.path, digest.slice(0, 16));
    const folder = path.join(serviceDir, layer.path);
    if (fs.existsSync(folder)) return;

    const notice = this.progress.create({ message: `Installing dependencies for Python ${version}` });
    const unfinished = `${folder}.${process.pid}`;
    try {
      await this.install(path.join(unfinished, 'python'), version, platforms);
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

  async install(target, version, platforms) {
    const { serviceDir: cwd, classes } = this.serverless;
    const own = path.join(cwd, '.venv/bin/python');
    const args = ['-E', '-s', '-m', 'setup.install_layer', target, version, ...platforms];
    try {
      await promisify(execFile)(fs.existsSync(own) ? own : 'python3', args, { cwd, env: environment() });
    } catch (error) {
      throw new classes.Error((error.stderr || error.message).trim(), 'PYTHON_LAYER');
    }
  }
};

/** Moves the folder into place, unless another `sls` has made it meanwhile. */
function moveInto(folder, unfinished) {
  try {
    fs.renameSync(unfinished, folder);
  } catch (error) {
    if (!fs.existsSync(folder)) throw error;
  }
}
