'use strict';

/** Ends `sls` with one line. It would print paragraphs around an error that is thrown. */
module.exports = function refuse(line) {
  process.stderr.write(`${line}\n`);
  process.exit(1);
};
