'use strict';

/** `sls deploy --param boundary=ARN`: the permissions boundary of every role, also those of other plugins. */
module.exports = class PermissionsBoundary {
  constructor(serverless) {
    this.serverless = serverless;
    // The first hook after `resources` of serverless.yml are in the template.
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
