'use strict';

/**
 * resources/dashboard-body.yml as the JSON text that CloudFormation takes for a dashboard's body.
 * serverless.yml can include a file, but not make text of it.
 */
module.exports = async ({ resolveVariable }) => {
  const names = {
    name: await resolveVariable('self:custom.name'),
    service: await resolveVariable('self:service'),
    stage: await resolveVariable('sls:stage'),
    endpoint: await resolveVariable('self:custom.name'),
    variant: 'AllTraffic',
  };
  const body = JSON.stringify(await resolveVariable('file(resources/dashboard-body.yml)'));
  return { body: { 'Fn::Sub': [body, names] } };
};
