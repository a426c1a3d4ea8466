/** Log-out notices: tried a few times and no more, and never at an address that is not the app's to have. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { type BackChannel, createBackChannel } from '../../engine/oauth/back-channel.ts';
import { createOutboundClient } from '../../engine/outbound/guarded-client.ts';
import type { AuditEvent, LogoutNotice, LogoutNoticeRepository } from '../../engine/store/store.ts';
import { client, createStage } from '../flows/machine-stage.ts';

const notice: Omit<LogoutNotice, 'attempts'> = {
  tenantId: 't',
  id: '1',
  sessionIdHash: 'h',
  clientId: 'app',
  userId: 'u',
  subject: 'jane',
};

/** One notice in memory, which is due as the repository says. */
function oneNotice(): LogoutNoticeRepository & { attempts: number; left: boolean } {
  let due = 0;
  return {
    attempts: 0,
    left: true,
    async take(now, leaseUntil) {
      if (!this.left || due > now) return [];
      due = leaseUntil;
      this.attempts += 1;
      return [{ ...notice, attempts: this.attempts }];
    },
    async postpone(_notice, until) {
      due = until;
    },
    async remove() {
      this.left = false;
    },
  };
}

describe('the back channel', () => {
  const outbound = createOutboundClient();
  let server: Server;
  let port: number;
  let calls = 0;
  let answer: number | 'nothing' = 200;
  const open: BackChannel[] = [];
  before(async () => {
    server = createServer((request, reply) => {
      calls += 1;
      request.resume();
      if (answer === 'nothing') request.socket.destroy();
      else reply.writeHead(answer, answer === 302 ? { location: '/elsewhere' } : {}).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  after(async () => {
    await outbound.close();
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => (calls = 0));
  afterEach(() => Promise.all(open.splice(0).map((one) => one.close())));

  async function run(uri: string | undefined, allowed: boolean, enabled = true) {
    const stage = createStage({
      'look.client': { ...client, enabled, ...(uri ? { backchannelLogoutUri: uri } : {}) },
      tenant: {
        outboundHttp: allowed
          ? { allow: [`127.0.0.1:${port}`], allowPrivate: true }
          : { allow: [], allowPrivate: false },
      },
    });
    const notices = oneNotice();
    const channel = createBackChannel({
      notices,
      outbound,
      portsOf: (id) => (id === 't' ? stage.ports : undefined),
      failed: (error) => {
        throw error;
      },
      pauses: [5, 5],
      lookEvery: 10,
    });
    open.push(channel);
    channel.wake();
    for (let wait = 0; notices.left && wait < 300; wait += 1) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(notices.left, 'the notice is done with').to.equal(false);
    const [event] = stage.audits.filter(({ type }: AuditEvent) => type === 'logout.notified');
    return { event, attempts: notices.attempts };
  }
  const here = () => `http://127.0.0.1:${port}/out`;

  for (const [what, status, attempts, reason] of [
    ['is told once', 200, 1, undefined],
    ['may answer with nothing', 204, 1, undefined],
    ['is tried three times and given up when it does not answer', 'nothing', 3, 'unreachable'],
    ['is tried three times and given up when it fails', 500, 3, 'status-500'],
    ['is tried again when it is busy', 429, 3, 'status-429'],
    ['is not asked again when it refuses', 400, 1, 'status-400'],
    ['is not followed elsewhere', 302, 1, 'status-302'],
  ] as const)
    it(`an app ${what}`, async () => {
      answer = status;
      const { event, attempts: made } = await run(here(), true);
      expect(made).to.equal(attempts);
      expect(calls).to.equal(attempts);
      expect(event).to.deep.include({
        outcome: reason === undefined ? 'success' : 'failure',
        clientId: 'app',
        userId: 'u',
        details: { attempts },
      });
      expect(event?.reason).to.equal(reason);
    });

  it('an address within is called only where the tenant allows it', async () => {
    answer = 200;
    for (const uri of [here(), `http://localhost:${port}/out`, `http://[::ffff:127.0.0.1]:${port}/out`]) {
      const { event, attempts } = await run(uri, false);
      expect([event?.reason, attempts], uri).to.deep.equal(['blocked', 1]);
    }
    expect(calls).to.equal(0);
  });

  it('an app that wants nothing, or is disabled, is told nothing and leaves no trace', async () => {
    answer = 200;
    expect((await run(undefined, true)).event).to.equal(undefined);
    expect((await run(here(), true, false)).event).to.equal(undefined);
    expect(calls).to.equal(0);
  });
});
