/** A made-up node of Smile CDR in a folder of its own, to be changed by a test and imported. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';
import type { TenantDocument } from '../../engine/tenant/document.ts';
import { importSmileCdr, type ImportOptions, type ImportResult } from '../../tools/import/smilecdr/import.ts';

const fixtures = join(import.meta.dirname, 'fixtures');

/** Every secret of the fixture, and everything it was hashed to: none of it may be told. */
export const secretsOfMeadow = [
  'partner-demo-secret',
  'plain-secret-of-the-fixture',
  'plain-password-of-the-fixture',
  'admin-password-of-the-fixture',
  'expired-secret-of-the-fixture',
  'database-password-of-the-fixture',
  'directory-password-of-the-fixture',
  'tls-password-of-the-fixture',
  'unknown-value-of-the-fixture',
  '2k7dIiVSAOGDD65zKkftn',
  'yfEGBx.3G2frxvA6IeMDO',
  'c72c0bb42f2077aa32085fe2cc05b09f',
  'xywLtC8gd6oyCF',
  'bac25fd8f06dfb1f',
];

/** Variables the server needs that serves what is imported. */
export const variablesOfMeadow = {
  MEADOW_WEB_SECRET: 'web-1',
  MEADOW_MASKED_SECRET: 'masked-1',
  MEADOW_REGION: 'north',
};

export interface Node {
  readonly path: string;
  /** Where a test may have something imported to; it does not exist yet. */
  readonly into: string;
  /** Replaces text in one of its files. */
  change(file: string, edit: (text: string) => string): Promise<void>;
  run(
    more?: Partial<ImportOptions> & { readonly environment?: Readonly<Record<string, string>> },
  ): Promise<ImportResult>;
  remove(): Promise<void>;
}

async function privateKeys(): Promise<string> {
  const keys = [];
  for (const [algorithm, kid] of [
    ['RS512', 'rsa-1'],
    ['ES384', 'ec-1'],
  ] as const) {
    const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
    keys.push({ ...(await exportJWK(privateKey)), kid, alg: algorithm });
  }
  return JSON.stringify({ keys });
}

/** The fixture `meadow`: two authorization servers, one with local people, one that federates. */
export async function meadow(): Promise<Node> {
  const path = await mkdtemp(join(tmpdir(), 'sallyport-meadow-'));
  await cp(join(fixtures, 'meadow'), path, { recursive: true });
  await writeFile(join(path, 'classes/meadow.jwks.json'), await privateKeys());
  return nodeAt(path);
}

/** A node made of these files alone. */
export async function nodeOf(files: Readonly<Record<string, unknown>>): Promise<Node> {
  const path = await mkdtemp(join(tmpdir(), 'sallyport-node-'));
  for (const [name, content] of Object.entries(files))
    await writeFile(join(path, name), typeof content === 'string' ? content : JSON.stringify(content));
  return nodeAt(path);
}

function nodeAt(path: string): Node {
  const into = join(path, 'made');
  return {
    path,
    into,
    async change(file, edit) {
      await writeFile(join(path, file), edit(await readFile(join(path, file), 'utf8')));
    },
    run: ({ environment = { BASE_URL: 'http://localhost:9200' }, ...more } = {}) =>
      importSmileCdr({
        files: [join(path, 'cdr-config-Master.properties')],
        into,
        variables: { environment, properties: { 'partner.secret': 'partner-demo-secret' } },
        ...more,
      }),
    remove: () => rm(path, { recursive: true, force: true }),
  };
}

export async function documentIn(folder: string): Promise<TenantDocument> {
  return JSON.parse(await readFile(join(folder, 'tenant.json'), 'utf8')) as TenantDocument;
}

/** The report of an import that has to succeed. */
export function reportOf(result: ImportResult): string {
  if (!result.ok) throw new Error(`nothing was imported: ${result.faults.join('\n')}`);
  return result.report;
}

/** Why an import refused; fails where it did not. */
export function faultsOf(result: ImportResult): readonly string[] {
  if (result.ok) throw new Error('it was imported');
  return result.faults;
}

export const propertiesFile = 'cdr-config-Master.properties';

/** The smallest module that becomes a tenant. */
export const minimal: readonly string[] = [
  'module.auth.type=SECURITY_OUT_SMART',
  'module.auth.config.issuer.url=https://auth.example/a',
  'module.auth.config.allowed_audience_list=https://fhir.example/r4',
];

/** A service with a secret, with anything changed. */
export function clientDefinition(clientId: string, more: object = {}): object {
  return {
    clientId,
    allowedGrantTypes: ['CLIENT_CREDENTIALS'],
    scopes: ['system/*.read'],
    secretRequired: true,
    clientSecrets: [{ secret: `secret-of-${clientId}` }],
    ...more,
  };
}

/** Imports a node of these files, all of them given, which becomes one tenant. */
export async function importOf(files: Readonly<Record<string, unknown>>) {
  const node = await nodeOf(files);
  const report = reportOf(await node.run({ files: Object.keys(files).map((file) => join(node.path, file)) }));
  return { node, report, document: await documentIn(node.into) };
}
