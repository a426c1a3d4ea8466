/** The gallery in a real server, with its stand-in for the world around it, on free ports. */
import { randomUUID } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJwt, importJWK, type JWTPayload, SignJWT } from 'jose';
import { type Outside, startOutside } from '../../scripts-examples/gallery/outside/server.ts';
import { authorizationRequest, redeem, type TokenAnswer } from '../support/oauth.ts';
import { createPerson, type Page, type Person } from '../support/person.ts';
import { freePort, startTestServer, type TestServer } from '../support/server.ts';

export const galleryFolder = join(import.meta.dirname, '../../scripts-examples/gallery');

/** The folders of the gallery that are tenants. */
export async function galleryTenants(folder = galleryFolder): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory() && entry.name !== 'outside').map(({ name }) => name);
}

export interface Gallery {
  readonly server: TestServer;
  readonly outside: Outside;
  /** The server as a tenant's apps see it. */
  tenant(name: string): TestServer;
  close(): Promise<void>;
}

/** @param change may edit the copied tenants, each in the folder of its name. */
export async function startGallery(
  change: (config: string) => Promise<void> = async () => undefined,
): Promise<Gallery> {
  const port = await freePort();
  let outside: Outside | undefined;
  const server = await startTestServer({
    async prepare(config, url) {
      outside = await startOutside({ port, sallyport: url });
      await onlyGallery(config);
      for (const name of await galleryTenants(config)) await moveOutside(join(config, name), port);
      await change(config);
    },
  });
  const started = outside;
  if (!started) throw new Error('the stand-in was not started');
  return {
    server,
    outside: started,
    tenant: (name) => ({ ...server, issuer: `${server.url}/${name}` }),
    async close() {
      await server.close();
      await started.close();
    },
  };
}

/** The copied examples hold the gallery as a folder of folders; here it takes their place. */
async function onlyGallery(config: string): Promise<void> {
  const aside = `${config}-gallery`;
  await rename(join(config, 'gallery'), aside);
  await rm(config, { recursive: true });
  await mkdir(config);
  await cp(aside, config, { recursive: true });
  await rm(aside, { recursive: true });
}

async function moveOutside(folder: string, port: number): Promise<void> {
  for (const file of await readdir(folder, { recursive: true })) {
    if (!/\.(json|js|ts)$/.test(file)) continue;
    const path = join(folder, file);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replaceAll('localhost:9210', `localhost:${port}`));
  }
}

export async function editDocument(
  config: string,
  tenant: string,
  change: (document: Record<string, unknown>) => void,
): Promise<void> {
  const path = join(config, tenant, 'tenant.json');
  const document = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  change(document);
  await writeFile(path, JSON.stringify(document, undefined, 2));
}

export interface Wish {
  readonly scope: string;
  readonly username: string;
  readonly password?: string;
  readonly clientId?: string;
  /** Below the stand-in's address. */
  readonly fhir?: string;
  readonly choice?: string;
  /** The log-in at this provider, instead of by password. */
  readonly provider?: string;
  readonly more?: Readonly<Record<string, string>>;
}

export interface Visit {
  /** The address at which the app got its person back. */
  readonly back: URL;
  readonly answer: TokenAnswer;
  /** What the access token says; nothing where there is none. */
  readonly claims: JWTPayload;
  readonly idClaims: JWTPayload;
  readonly person: Person;
}

function said(token: unknown): JWTPayload {
  return typeof token === 'string' ? decodeJwt(token) : {};
}

/** A person opens the app and walks through the pages; the app redeems its code, if it got one. */
export async function visit(gallery: Gallery, tenant: string, wish: Wish): Promise<Visit> {
  const server = gallery.tenant(tenant);
  const clientId = wish.clientId ?? 'chart-app';
  const { url, verifier } = authorizationRequest(server, {
    client_id: clientId,
    scope: wish.scope,
    aud: `${gallery.outside.url}/${wish.fhir ?? 'fhir'}`,
    ...wish.more,
  });
  const person = createPerson(server.url);
  let page: Page = await person.open(url);
  if (wish.provider !== undefined) page = await person.submit(page, { provider: wish.provider });
  const back = await person.walk(page, {
    username: wish.username,
    ...(wish.password === undefined ? {} : { password: wish.password }),
    ...(wish.choice === undefined ? {} : { choice: wish.choice }),
  });
  const answer = await redeem(server, back.searchParams.get('code') ?? 'none', verifier, { client_id: clientId });
  return { back, answer, claims: said(answer.body['access_token']), idClaims: said(answer.body['id_token']), person };
}

/** A JWT signed with a key of the gallery. */
export async function signedBy(keys: string, claims: Record<string, unknown>): Promise<string> {
  const file = await readFile(join(galleryFolder, keys), 'utf8');
  const [key] = (JSON.parse(file) as { keys: { alg: string; kid: string }[] }).keys;
  if (!key) throw new Error(`there is no key in ${keys}`);
  return new SignJWT({ jti: randomUUID(), ...claims })
    .setProtectedHeader({ alg: key.alg, kid: key.kid })
    .setIssuedAt()
    .setExpirationTime('4m')
    .sign(await importJWK(key as never, key.alg));
}

/** What a client proves itself with whose key lies in the tenant's folder. */
export async function assertionOf(gallery: Gallery, tenant: string, clientId: string): Promise<Record<string, string>> {
  const claims = { iss: clientId, sub: clientId, aud: `${gallery.tenant(tenant).issuer}/oauth/token` };
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await signedBy(`${tenant}/keys/${clientId}.jwks.json`, claims),
  };
}
