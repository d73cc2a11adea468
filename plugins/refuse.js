'use strict';

/** Ends `sls` with one line: it would print an error that is thrown with paragraphs around it. */
module.exports = function refuse(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
};
