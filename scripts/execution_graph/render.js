'use strict';

// Draws the graph that standard input holds in DOT, and writes it to standard output as SVG.
const fs = require('node:fs');
const { instance } = require('@viz-js/viz');

instance()
  .then((viz) => {
    process.stdout.write(viz.renderString(fs.readFileSync(0, 'utf8'), { format: 'svg' }));
  })
  .catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
