'use strict';

/**
 * The buckets that photos may be read from. `names`: `extra_buckets` of config.yml with commas between
 * them, which serverless.yml cannot make of a list. For policies, the ARNs of the service's own bucket and
 * these: of the `buckets`, of their `objects`, and of the objects that may be `manifests`, which are in the
 * service's bucket those of scripts.bulk.
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
