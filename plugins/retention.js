'use strict';

const DAYS_OF_WORK = 7; // for checkpoints and uploads that were never completed

/**
 * retention_days of config.yml as lifecycle `rules` of the bucket and lifecycle policy of the repository's
 * `images`. null keeps for ever: there is no rule for it.
 */
module.exports = async ({ resolveVariable }) => {
  const days = await resolveVariable('file(config.yml):retention_days');
  const prefixes = {
    captures: ['capture/'],
    reports: ['monitoring/reports/'],
    generated: ['generated/', 'incoming/generated/'], // where scripts.generate puts photos
    incoming: ['incoming/'], // of two rules for an object S3 takes the shorter
    results: ['bulk/results/'],
  };
  const expiring = Object.entries(prefixes).filter(([name]) => days[name] !== null);
  return {
    rules: [
      ...expiring.flatMap(([name, folders]) =>
        folders.map((prefix, number) => expire(number ? `${name}-${number + 1}` : name, prefix, days[name])),
      ),
      expire('pixels', 'bulk/pixels/', 1), // used while their batch runs
      expire('checkpoints', 'training/checkpoints/', DAYS_OF_WORK),
      {
        Id: 'abort-uploads',
        Status: 'Enabled',
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: DAYS_OF_WORK },
      },
    ],
    images: untagged(days.untagged_images),
  };
};

function expire(name, prefix, days) {
  return { Id: `expire-${name}`, Status: 'Enabled', Prefix: prefix, ExpirationInDays: days };
}

function untagged(days) {
  if (days === null) return { Ref: 'AWS::NoValue' };
  const rule = {
    rulePriority: 1,
    selection: { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: days },
    action: { type: 'expire' },
  };
  return { LifecyclePolicyText: JSON.stringify({ rules: [rule] }) };
}
