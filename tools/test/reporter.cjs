// Mocha's reporter of `npm test`: a line for each failure as it happens, and the counts as the very last line.
const { Base } = require('mocha').reporters;

module.exports = class Counts extends Base {
  constructor(runner, options) {
    super(runner, options);
    let passed = 0;
    let failed = 0;
    runner.on('pass', (test) => {
      passed += 1;
      if (process.env.SALLYPORT_TEST_NAMES) console.log(`  ok ${test.fullTitle()}`);
    });
    runner.on('fail', (test) => {
      failed += 1;
      console.log(`  FAILED ${test.fullTitle()}`);
    });
    runner.once('end', () => {
      if (failed > 0) Base.list(this.failures);
      process.on('exit', () => console.log(`${passed} passed, ${failed} failed`));
    });
  }
};
