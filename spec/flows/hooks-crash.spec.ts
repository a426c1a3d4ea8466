/** A callback that ends its sandbox process, or holds it until it is killed, harms its own tenant only. */
import { expect } from 'chai';
import type { TestServer } from '../support/server.ts';
import { lastTrace, otherProcess, runFlow, sameProcess, startStage, besideBystanders } from './hook-stage.ts';

/** Each outruns the isolate's own memory check in one step, so that the whole process must go. */
const crashing = {
  splits: "'x'.repeat(2 ** 28).split('')",
  fills: 'new Array(1e8).fill(0)',
};

const callbacks = `
const crashing = {${Object.entries(crashing)
  .map(([name, does]) => `${name}: function () { ${does} }`)
  .join(', ')}};
function onTokenGenerating(user, request, client) {
  if (Object.hasOwn(crashing, client.clientId)) crashing[client.clientId]();
}
`;
// Under way for longer than the others need to end the process, so that being run again beside them would not help.
const bystanderCallbacks = `
function onTokenGenerating(user, request, client) {
  let sum = 0;
  for (let n = 0; n < 5e7; n += 1) sum = (sum * 31 + n) % 1000003;
  request.addAccessTokenClaim('sum', sum);
}
`;

describe('hooks that end their sandbox process', () => {
  let server: TestServer;
  before(async () => {
    server = await startStage({
      scripts: { 'callbacks.js': callbacks },
      secretClients: [...Object.keys(crashing), 'quiet'],
      bystanderCallbacks,
    });
  });
  after(() => server.close());

  for (const name of Object.keys(crashing)) {
    it(`${name}: the flow fails closed, tenants in the same process and in the other one notice nothing`, async () => {
      const { result: seen, longest } = await besideBystanders(server, () => runFlow(server, 'client', name), [
        sameProcess,
        sameProcess,
        sameProcess,
        otherProcess,
      ]);
      expect(longest).to.be.below(20_000);
      expect(seen.error, seen.text).to.equal('server_error');
      const trace = await lastTrace(server);
      expect(trace.outcome).to.match(/^onTokenGenerating-(crashed|timeout|memory)$/);
      const failed = trace.entries.find(({ hook }) => hook)?.hook;
      expect(failed).to.include({ name: 'onTokenGenerating', ok: false });
      expect(failed?.location).to.include({ file: 'callbacks.js' });
    });

    it(`${name}: the tenant itself is let in again after its quarantine`, async function () {
      this.timeout(20_000);
      let status = 0;
      for (let attempt = 0; attempt < 150 && status !== 200; attempt += 1) {
        status = (await runFlow(server, 'client', 'quiet')).status;
        if (status !== 200) await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect(status).to.equal(200);
    });
  }
});
