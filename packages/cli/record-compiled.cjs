// @ts-check
/** Runs a program, and at its end writes beside each script that it made what V8 has compiled of it. */
const { writeFileSync } = require('node:fs');
const vm = require('node:vm');

/** @type {[string, vm.Script][]} */
const scripts = [];

vm.Script = class extends vm.Script {
  /** @param {string} source @param {vm.ScriptOptions} options */
  constructor(source, options) {
    super(source, options);
    scripts.push([options.filename ?? '', this]);
  }
};

process.on('exit', () => {
  for (const [path, script] of scripts) {
    writeFileSync(`${path}.compiled`, script.createCachedData());
  }
});

process.argv.splice(1, 1);
require(process.argv[1] ?? '');
