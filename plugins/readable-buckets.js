'use strict';

/**
 * The buckets that photos may be read from: `names` are `extra_buckets` of config.yml with commas
 * between them; for policies, `buckets` and `objects` are the ARNs of these and the service's own, and
 * `manifests` those of objects that may be a manifest: in the service's bucket those of scripts.bulk.
 * serverless.yml can take a list over, but not make text of it.
 */
module.exports = async ({ resolveVariable }) => {
  const extra = await resolveVariable('file(config.yml):extra_buckets');
  const arn = (bucket, rest) => ({
    'Fn::Sub': [`arn:\${AWS::Partition}:s3:::\${bucket}${rest}`, { bucket }],
  });
  const own = { Ref: 'Bucket' };
  const buckets = [own, ...extra];
  return {
    // Text, not Fn::Join: `sls invoke local` runs a function without CloudFormation.
    names: extra.join(','),
    buckets: buckets.map((b) => arn(b, '')),
    objects: buckets.map((b) => arn(b, '/*')),
    manifests: [arn(own, '/bulk/manifests/*'), ...extra.map((b) => arn(b, '/*'))],
  };
};
