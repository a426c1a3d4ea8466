// Mocha's reporter of `npm test`: a line for each failure as it happens, and the counts as the very last line. With
// TEST_TIMES it also says how long each file took.
const { Base } = require('mocha').reporters;

module.exports = class Counts extends Base {
  constructor(runner, options) {
    super(runner, options);
    let passed = 0;
    let failed = 0;
    const times = new Map();
    runner.on('pass', (test) => {
      passed += 1;
      if (process.env.TEST_NAMES) console.log(`  ok ${test.fullTitle()}`);
    });
    runner.on('fail', (test) => {
      failed += 1;
      console.log(`  FAILED ${test.fullTitle()}`);
    });
    runner.on('suite', (suite) => {
      if (suite.file && suite.parent?.root) suite.began = Date.now();
    });
    runner.on('suite end', (suite) => {
      if (suite.began) times.set(suite.file, (times.get(suite.file) ?? 0) + Date.now() - suite.began);
    });
    runner.once('end', () => {
      if (failed > 0) Base.list(this.failures);
      if (process.env.TEST_TIMES)
        for (const [file, time] of [...times].sort((a, b) => b[1] - a[1]))
          console.log(`${(time / 1000).toFixed(1).padStart(7)} s ${file.replace(`${process.cwd()}/`, '')}`);
      process.on('exit', () => console.log(`${passed} passed, ${failed} failed`));
    });
  }
};
