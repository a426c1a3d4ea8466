/** A Fastify instance with the demo mounted, its own signing keys, and a way to make access tokens. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify from 'fastify';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { demoPlugin } from '../../tools/demo/plugin.ts';
import type { DemoOptions, LaunchInput, RecordedFlow } from '../../tools/demo/plugin.ts';

export const PATIENTS = [
  { id: 'jane', given: 'Jane', family: 'Doe', birthDate: '1984-05-12', gender: 'female', identifier: 'MRN-0001' },
  {
    id: 'patient-02',
    given: 'Omar',
    family: 'Haddad',
    birthDate: '1956-11-02',
    gender: 'male',
    identifier: 'MRN-0002',
  },
  { id: 'patient-03', given: 'Lin', family: 'Chen', birthDate: '2009-01-23', gender: 'other', identifier: 'MRN-0003' },
];

export interface TokenChanges {
  readonly issuer?: string;
  readonly audience?: string | string[];
  readonly typ?: string;
  readonly expiresAt?: number | null;
  readonly foreignKey?: boolean;
}

export interface Stage {
  readonly server: FastifyInstance;
  readonly baseUrl: string;
  readonly launches: LaunchInput[];
  token(claims: Record<string, unknown>, changes?: TokenChanges): Promise<string>;
  /** GET below the FHIR base; `claims` undefined means without a token. */
  get(path: string, claims?: Record<string, unknown>, changes?: TokenChanges): Promise<LightMyRequestResponse>;
  close(): Promise<void>;
}

export const FLOWS: readonly RecordedFlow[] = [
  {
    id: 'flow-1',
    tenantId: 'demo',
    flow: 'smart-standalone',
    outcome: 'issued',
    startedAt: Date.UTC(2026, 0, 5, 10, 0, 0),
    trace: {
      flowId: 'flow-1',
      flow: 'smart-standalone',
      outcome: 'issued',
      startedAt: Date.UTC(2026, 0, 5, 10, 0, 0),
      entries: [
        {
          at: Date.UTC(2026, 0, 5, 10, 0, 0),
          state: 'validate-request',
          kind: 'step',
          outcome: 'ok',
          milliseconds: 1.234,
        },
        { at: Date.UTC(2026, 0, 5, 10, 0, 9), state: 'log-in', kind: 'wait', outcome: 'answered', milliseconds: 9000 },
        {
          at: Date.UTC(2026, 0, 5, 10, 0, 9),
          state: 'mint',
          kind: 'hook',
          outcome: 'ok',
          milliseconds: 3,
          hook: {
            name: 'onTokenGenerating',
            script: 'callbacks.js',
            ok: true,
            before: { user: 'jane', note: '<script>alert(1)</script>' },
            after: { claims: { department: 'cardiology' } },
            logs: [{ level: 'info', message: 'added <b>department</b>' }],
            calls: [{ service: 'http', target: 'api.example.org', outcome: '200', milliseconds: 12.3 }],
            cpuMicroseconds: 840,
            wallMicroseconds: 15200,
          },
        },
        {
          at: Date.UTC(2026, 0, 5, 10, 0, 10),
          state: 'finish',
          kind: 'hook',
          outcome: 'failed',
          milliseconds: 2,
          hook: {
            name: 'onPostAuthorize',
            script: 'callbacks.js',
            ok: false,
            kind: 'runtime',
            message: 'x is not defined',
            location: { file: 'callbacks.js', line: 12, column: 3 },
            logs: [],
            calls: [],
            cpuMicroseconds: 100,
            wallMicroseconds: 200,
          },
        },
      ],
    },
  },
];

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, 'localhost');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  if (address === null || typeof address === 'string') throw new Error('No port is free.');
  return address.port;
}

export interface StageExtras extends Partial<DemoOptions> {
  /** Adds routes of its own before the server starts; gets what makes tokens. */
  readonly prepare?: (stand: Pick<Stage, 'server' | 'token'>) => void;
}

/** Sets the demo up. @param listen whether it answers on a port of its own, for browsers */
export async function stage(listen = false, extras: StageExtras = {}): Promise<Stage> {
  const { prepare, ...extra } = extras;
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-demo-'));
  const patientsFile = join(folder, 'patients.json');
  await writeFile(patientsFile, JSON.stringify(PATIENTS));
  const [own, foreign] = await Promise.all([generateKeyPair('ES384'), generateKeyPair('ES384')]);
  const publicKey = { ...(await exportJWK(own.publicKey)), kid: 'own', alg: 'ES384', use: 'sig' };
  const server = Fastify();
  const launches: LaunchInput[] = [];
  const port = listen ? await freePort() : 9200;
  const baseUrl = `http://localhost:${port}`;
  const issuer = `${baseUrl}/demo`;
  await server.register(demoPlugin, {
    baseUrl,
    issuer,
    patientsFile,
    jwks: async () => ({ keys: [publicKey] }),
    createLaunch: async (input: LaunchInput) => {
      launches.push(input);
      return 'launch handle+1';
    },
    traces: async () => FLOWS,
    users: [{ username: 'jane', password: 'jane-demo', name: 'Jane Doe', role: 'Patient with one record' }],
    ...extra,
  });
  async function token(claims: Record<string, unknown>, changes: TokenChanges = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const jwt = new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES384', kid: 'own', typ: changes.typ ?? 'at+jwt' })
      .setIssuer(changes.issuer ?? issuer)
      .setAudience(changes.audience ?? `${issuer}/fhir/r4`)
      .setIssuedAt(now - 7200);
    if (changes.expiresAt !== null) jwt.setExpirationTime(changes.expiresAt ?? now + 300);
    return jwt.sign(changes.foreignKey ? foreign.privateKey : own.privateKey);
  }

  prepare?.({ server, token });
  await server.ready();
  if (listen) await server.listen({ port, host: 'localhost' });

  return {
    server,
    baseUrl,
    launches,
    token,
    async get(path, claims, changes) {
      const headers = claims ? { authorization: `Bearer ${await token(claims, changes)}` } : {};
      return server.inject({ url: `/demo/fhir/r4${path}`, headers });
    },
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
