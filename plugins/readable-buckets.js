'use strict';

/**
 * The buckets that photos may be read from: `names` are `extra_buckets` of config.yml with commas
 * between them, `buckets` and `objects` the ARNs of these and the service's own, for policies.
 * serverless.yml can take a list over, but not make text of it.
 */
module.exports = async ({ resolveVariable }) => {
  const extra = await resolveVariable('file(config.yml):extra_buckets');
  const arn = (bucket, rest) => ({
    'Fn::Sub': [`arn:\${AWS::Partition}:s3:::\${bucket}${rest}`, { bucket }],
  });
  const buckets = [{ Ref: 'Bucket' }, ...extra];
  return {
    // Text, not Fn::Join: `sls invoke local` runs a function without CloudFormation.
    names: extra.join(','),
    buckets: buckets.map((b) => arn(b, '')),
    objects: buckets.map((b) => arn(b, '/*')),
  };
};
