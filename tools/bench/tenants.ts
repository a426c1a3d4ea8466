/** The tenants that the bench serves. They are no demo tenants: their traces hold no values, as in production. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Target } from './load.ts';

export const clientId = 'bench';
export const clientSecret = 'ZGgKx2TqfJ0bS7Pj4nYvW1cR9mLh6EaUo5dXi8sBtQk';
export const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;

/** Both hooks, as `scripts-examples/demo/callbacks.js` has them. */
export const bothHooks = `function onTokenGenerating(theUserSession, theAuthorizationRequestDetails, theClientDetails) {
  theAuthorizationRequestDetails.addAccessTokenClaim('department', Environment.getEnv('DEPARTMENT'));
  if (theUserSession === null) Log.info('token for the client ' + theClientDetails.clientId);
}

function onPostAuthorize(theDetails) {
  Log.info('audit: a token for ' + theDetails.clientId + ' with ' + theDetails.grantedScopes.join(' '));
}
`;

export const loopingHook = `function onTokenGenerating() {
  for (;;) {}
}
`;

export const hoardingHook = `function onTokenGenerating() {
  const kept = [];
  for (;;) kept.push(new Array(100000).fill(kept.length));
}
`;

/** The names by which the pool shares its two processes: a, c and e meet in one process, b is in the other. */
export const tenants = {
  scripted: { id: 'scripted', script: bothHooks },
  plain: { id: 'plain', script: undefined },
  bystander: { id: 'a', script: bothHooks },
  apart: { id: 'b', script: bothHooks },
  looping: { id: 'c', script: loopingHook },
  hoarding: { id: 'e', script: hoardingHook },
} as const;

export type TenantName = keyof typeof tenants;

export interface BenchTenant {
  readonly id: string;
  readonly script: string | undefined;
}

/** Writes the tenants' folders for a server at `url` and answers their folder. */
export function writeTenants(url: string): Promise<string> {
  return writeFolders(url, Object.values(tenants), 'RS256');
}

/** The same for any tenants. */
export async function writeFolders(
  url: string,
  all: readonly BenchTenant[],
  algorithm: 'RS256' | 'ES256',
): Promise<string> {
  const config = await mkdtemp(join(tmpdir(), 'sallyport-bench-'));
  for (const { id, script } of all) {
    const folder = join(config, id);
    await mkdir(folder);
    await writeFile(join(folder, 'secret'), clientSecret, { mode: 0o600 });
    if (script !== undefined) await writeFile(join(folder, 'callbacks.js'), script);
    const document = {
      id,
      name: id,
      issuer: `${url}/${id}`,
      fhirServers: [{ name: 'r4', url: `${url}/${id}/fhir/r4` }],
      keystore: { algorithms: [algorithm] },
      environment: { DEPARTMENT: 'Cardiology' },
      ...(script === undefined ? {} : { scripts: { callbacks: 'callbacks.js' } }),
      clients: [
        {
          clientId,
          clientName: 'bench',
          tokenEndpointAuthMethods: ['client_secret_basic'],
          secrets: [{ value: { file: 'secret' } }],
          grantTypes: ['client_credentials'],
          scopes: ['system/*.rs'],
          permissions: [{ permission: 'ROLE_FHIR_CLIENT' }, { permission: 'FHIR_ALL_READ' }],
        },
      ],
    };
    await writeFile(join(folder, 'tenant.json'), JSON.stringify(document, undefined, 2));
  }
  return config;
}

/** The token endpoint of one of the tenants. */
export function targetOf(url: string, name: TenantName): Target {
  return targetAt(url, tenants[name].id);
}

/** The token endpoint of a tenant by its id. */
export function targetAt(url: string, id: string): Target {
  return {
    url: `${url}/${id}/oauth/token`,
    authorization,
    body: 'grant_type=client_credentials&scope=system%2F*.rs',
  };
}

export const examples = fileURLToPath(new URL('../../scripts-examples', import.meta.url));
