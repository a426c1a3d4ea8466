/** Tenants of one server whose people are in a directory, and how somebody logs in there. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { servicePassword, serviceDn, suffix, type TestDirectory } from '../support/directory.ts';
import { authorizationRequest, redeem } from '../support/oauth.ts';
import { createPerson, type Page, type Person } from '../support/person.ts';
import type { TestServer } from '../support/server.ts';

export const people = `ou=people,${suffix}`;
export const groups = `ou=groups,${suffix}`;

/** Settings of a module that searches, as a document has them. */
export function searching(directory: TestDirectory, more: object = {}) {
  return {
    urls: [directory.url],
    caFile: 'ca.pem',
    bind: { dn: serviceDn, password: servicePassword },
    search: { base: people, filter: '(&(objectClass=inetOrgPerson)(|(uid={username})(mail={username})))' },
    ...more,
  };
}

/** A tenant of its own with the native sample app of the demo. */
export async function addTenant(
  config: string,
  url: string,
  id: string,
  ca: string,
  document: Readonly<Record<string, unknown>>,
): Promise<void> {
  const demo = JSON.parse(await readFile(join(config, 'demo/tenant.json'), 'utf8')) as {
    readonly clients: readonly { readonly clientId: string }[];
  };
  const folder = join(config, id);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'ca.pem'), ca);
  const native = demo.clients.find(({ clientId }) => clientId === 'sample-native');
  const text = {
    id,
    name: id,
    issuer: `${url}/${id}`,
    demo: true,
    fhirServers: [{ name: 'r4', url: `${url}/${id}/fhir/r4` }],
    clients: [{ ...native, scopes: ['openid', 'fhirUser', 'user/*.rs'] }],
    ...document,
  };
  await writeFile(join(folder, 'tenant.json'), JSON.stringify(text));
}

export interface Visitors {
  at(tenant: string): TestServer;
  visitor(): Person;
  /** The page after an attempt to log in: the log-in page again, or what comes after it. */
  attempt(tenant: string, username: string, password: string, person?: Person): Promise<Page>;
  /** The whole flow of somebody whose password is right; what the ID token says. */
  enter(tenant: string, username: string, password: string, person?: Person): Promise<Record<string, unknown>>;
}

/** Everybody comes from an address of their own, as the throttle counts by it. */
export function visitors(server: () => TestServer): Visitors {
  let count = 0;
  const at = (tenant: string): TestServer => ({ ...server(), issuer: `${server().url}/${tenant}` });
  const visitor = () => {
    count += 1;
    return createPerson(server().url, { 'x-forwarded-for': `10.3.${count >> 8}.${count & 255}` });
  };
  const scope = { scope: 'openid fhirUser user/*.rs' };
  return {
    at,
    visitor,
    async attempt(tenant, username, password, person = visitor()) {
      const page = await person.open(authorizationRequest(at(tenant), scope).url);
      return person.submit(page, { username, password, do: 'login' });
    },
    async enter(tenant, username, password, person = visitor()) {
      const { url, verifier } = authorizationRequest(at(tenant), scope);
      const back = await person.walk(await person.open(url), { username, password });
      const code = back.searchParams.get('code');
      if (code === null) throw new Error(`no code: ${back.search}`);
      const { body } = await redeem(at(tenant), code, verifier);
      return decodeJwt(String(body['id_token']));
    },
  };
}

export function textOf({ body }: Page): string {
  return body.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');
}

export const wrong = 'User name or password is wrong';
export const unavailable = 'cannot be checked right now';
