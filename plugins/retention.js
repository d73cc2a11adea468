'use strict';

// Each is kept for so many days of retention_days; null keeps for ever.
const PREFIXES = {
  'capture/': 'captures',
  'monitoring/reports/': 'reports',
  'generated/': 'generated', // photos of scripts.generate and scripts.smoke_test
  'incoming/generated/': 'generated', // of two rules for an object S3 takes the shorter
  'incoming/': 'incoming',
  'bulk/results/': 'results',
};
const DAYS_OF_WORK = 7; // for checkpoints and uploads that were never completed

/** retention_days of config.yml as lifecycle `rules` of the bucket, and lifecycle policy of the repository's `images`. */
module.exports = async ({ resolveVariable }) => {
  const days = await resolveVariable('file(config.yml):retention_days');
  const expiring = Object.keys(PREFIXES).filter((prefix) => days[PREFIXES[prefix]] !== null);
  return {
    rules: [
      ...expiring.map((prefix) => expire(prefix, days[PREFIXES[prefix]])),
      expire('bulk/pixels/', 1), // used while their batch runs
      expire('training/checkpoints/', DAYS_OF_WORK),
      {
        Id: 'abort-uploads',
        Status: 'Enabled',
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: DAYS_OF_WORK },
      },
    ],
    images: untagged(days.untagged_images),
  };
};

function expire(prefix, days) {
  return { Id: `expire-${prefix}`, Status: 'Enabled', Prefix: prefix, ExpirationInDays: days };
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
