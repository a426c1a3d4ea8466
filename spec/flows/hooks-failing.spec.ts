/** Every hook of every flow fails in every way it can: closed, without a word to the app, and without a neighbour. */
import { join } from 'node:path';
import { expect } from 'chai';
import { startPglite } from '../../engine/store/pglite/host.ts';
import type { TestServer } from '../support/server.ts';
import {
  expectedPlaces,
  failingCases,
  type HookCase,
  harmlessCases,
  hooksOf,
  misbehavingScripts,
  secretDetail,
  takenCases,
} from './hook-cases.ts';
import { flows, lastTrace, runFlow, startStage, besideBystanders } from './hook-stage.ts';

/** Far above what a flow takes beside a loop, far below what it would take behind one that is not stopped. */
const bystanderLimit = 4000;
const all = [...failingCases, ...harmlessCases, ...takenCases];
const namesOf = (...wanted: string[]) => all.filter(({ flow }) => wanted.includes(flow)).map(({ who }) => who);

describe('hooks that fail', () => {
  let server: TestServer;
  const ended: HookCase[] = [];
  before(async () => {
    server = await startStage({
      scripts: misbehavingScripts,
      people: namesOf('interactive', 'refresh'),
      partnerPeople: namesOf('federated'),
      secretClients: namesOf('client'),
      keyClients: namesOf('backend'),
    });
  });
  after(() => server.close());

  for (const flow of flows) {
    describe(flow, () => {
      for (const one of failingCases.filter((candidate) => candidate.flow === flow)) {
        it(`${one.hook} ${one.behaviour}: ${one.error}, nothing minted, the trace says where`, async () => {
          const { result: seen, longest } = await besideBystanders(server, () => runFlow(server, flow, one.who));
          expect(longest).to.be.below(bystanderLimit);
          ended.push(one);

          expect(seen.error, seen.text).to.equal(one.error);
          expect(seen.body).not.to.have.any.keys('access_token', 'refresh_token', 'id_token');
          if (seen.status !== 303) expect(seen.status).to.equal(one.error === 'access_denied' ? 400 : 500);
          for (const detail of [secretDetail, one.hook, '.js', 'Error', 'timeout', 'memory'])
            expect(seen.text).not.to.include(detail);

          const trace = await lastTrace(server);
          expect(trace.outcome).to.satisfy((outcome: string) => outcome.startsWith(`${one.hook}-`));
          const ran = trace.entries.filter(({ hook }) => hook);
          const failed = ran.at(-1)?.hook;
          expect(failed).to.include({ name: one.hook, ok: false, kind: one.kind });
          expect(failed?.location?.file).to.equal(failed?.script);
          const places = expectedPlaces(one, failed?.script ?? '');
          const place = places.find(({ line }) => line === failed?.location?.line);
          expect(failed?.location).to.include(place ?? places[0]);
          expect(failed?.location?.column).to.be.above(0);
          // The hooks before it ran, none after it did.
          const expected = hooksOf[flow].slice(0, hooksOf[flow].indexOf(one.hook) + 1);
          expect(ran.map(({ hook }) => hook?.name)).to.deep.equal(expected);
          const stored = trace.entries.some(({ state }) => state === 'token stored');
          expect(stored).to.equal(one.hook === 'onPostAuthorize');
          expect(trace.entries.at(-1)).to.include({ state: 'rejected' });

          if (seen.again) expect((await seen.again()).body['error']).to.equal('invalid_grant');
        });
      }

      for (const one of harmlessCases.filter((candidate) => candidate.flow === flow)) {
        it(`${one.hook} ${one.behaviour}: changes nothing`, async () => {
          const seen = await runFlow(server, flow, one.who);
          expect(seen.status, seen.text).to.equal(200);
          expect(seen.text).not.to.include('forged').and.not.to.include('cruds');
        });
      }

      for (const one of takenCases.filter((candidate) => candidate.flow === flow)) {
        it(`${one.hook} cannot take over a local account by its name`, async () => {
          const seen = await runFlow(server, flow, one.who);
          expect(seen.error, seen.text).to.equal('access_denied');
          expect((await lastTrace(server)).outcome).to.equal('username-taken');
        });
      }
    });
  }

  // In a suite of its own, since a suite's own tests run before those of the suites within it.
  describe('afterwards', () => {
    it('leaves no token of a failed flow that could be used', async () => {
      await server.kill();
      const database = await startPglite(join(server.data, 'postgres'));
      try {
        const { rows } = await database.query(
          `select token.client_id, token.details, coalesce(token.revoked_at, (select min(revocation.revoked_at)
           from revocation where revocation.tenant_id = token.tenant_id and revocation.kind = 'grant'
             and revocation.id = token.grant_id)) as revoked_at
           from token where token.tenant_id = 'demo'`,
          [],
        );
        const tokens = (rows as { client_id: string; details: unknown; revoked_at: unknown }[]).map((row) => ({
          text: `"${row.client_id}" ${JSON.stringify(row.details)}`,
          revoked: row.revoked_at !== null,
        }));
        expect(tokens.filter(({ revoked }) => !revoked)).not.to.have.length(0);
        for (const { who, flow, hook } of ended) {
          const own = tokens.filter(({ text }) => text.includes(`${who}"`));
          // Above, the used code or refresh token was presented again, which ends what is left of its family.
          expect(
            own.filter(({ revoked }) => !revoked),
            who,
          ).to.have.length(0);
          // What was stored before the hook: the tokens that were refreshed, and those it was told of.
          const refreshable = flow === 'interactive' || flow === 'federated' || flow === 'refresh';
          const sets = (flow === 'refresh' ? 1 : 0) + (hook === 'onPostAuthorize' ? 1 : 0);
          expect(own, who).to.have.length(sets * (refreshable ? 2 : 1));
        }
      } finally {
        await database.close();
      }
    });
  });
});
