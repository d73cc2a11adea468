'use strict';

/**
 * The buckets that photos may be read from, for policies: the service's own and `extra_buckets` of
 * config.yml. serverless.yml can take a list over, but not make ARNs of it.
 */
module.exports = async ({ resolveVariable }) => {
  const extra = await resolveVariable('file(config.yml):extra_buckets');
  const arn = (bucket, rest) => ({
    'Fn::Sub': [`arn:\${AWS::Partition}:s3:::\${bucket}${rest}`, { bucket }],
  });
  const buckets = [{ Ref: 'Bucket' }, ...extra];
  return { buckets: buckets.map((b) => arn(b, '')), objects: buckets.map((b) => arn(b, '/*')) };
};
