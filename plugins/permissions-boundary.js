'use strict';

/**
 * `sls deploy --param boundary=ARN`: the permissions boundary of every role in the template, also of
 * those that other plugins make.
 */
module.exports = class PermissionsBoundary {
  constructor(serverless) {
    this.serverless = serverless;
    // The first moment at which the template has what `resources` of serverless.yml adds.
    this.hooks = { 'after:aws:package:finalize:mergeCustomProviderResources': () => this.bind() };
  }

  bind() {
    const { custom, provider } = this.serverless.service;
    if (!custom.boundary) return;
    for (const resource of Object.values(provider.compiledCloudFormationTemplate.Resources)) {
      if (resource.Type === 'AWS::IAM::Role') resource.Properties.PermissionsBoundary = custom.boundary;
    }
  }
};
