/** A person between two organizations, and the tenants' documents changed so that one trusts the other. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asAdmin, itemsOf } from '../admin/support.ts';
import { authorizationRequest, redeem, type TokenAnswer } from '../support/oauth.ts';
import { createPerson, type Page, type Person } from '../support/person.ts';
import type { TestServer } from '../support/server.ts';

interface TenantText extends Record<string, unknown> {
  providers?: Record<string, unknown>[];
  outboundHttp?: { allow: string[]; allowPrivate: boolean };
}

export async function editTenant(
  config: string,
  tenant: string,
  change: (document: TenantText) => void,
): Promise<void> {
  const path = join(config, tenant, 'tenant.json');
  const document = JSON.parse(await readFile(path, 'utf8')) as TenantText;
  change(document);
  await writeFile(path, JSON.stringify(document, null, 2));
}

/** Adds a provider on a loopback port to a tenant. */
export function addProvider(document: TenantText, port: number, provider: Record<string, unknown>): void {
  document.providers = [...(document.providers ?? []), { issuer: `http://localhost:${port}`, ...provider }];
  document.outboundHttp = {
    allow: [...(document.outboundHttp?.allow ?? []), `localhost:${port}`],
    allowPrivate: true,
  };
}

export interface Journey {
  readonly person: Person;
  readonly verifier: string;
  /** Where the person was sent to: the provider's authorization endpoint, with the request. */
  readonly away: URL;
}

/** From the app to the log-in page, and by its button to the provider. */
export async function chooseProvider(
  server: TestServer,
  provider: string,
  more: Record<string, string | undefined> = {},
  person: Person = createPerson(server.url),
): Promise<Journey> {
  const { url, verifier } = authorizationRequest(server, more);
  const away = await person.submit(await person.open(url), { provider });
  return { person, verifier, away: new URL(away.url) };
}

/** At the provider's own pages; answers the address that leads back. */
export async function logInThere(
  away: URL,
  values: Record<string, string>,
  there: Person = createPerson(away.origin),
): Promise<URL> {
  const page = await there.open(away.href);
  return new URL((page.status === 302 ? page : await there.submit(page, values)).url);
}

/** With the provider's answer back here, through the pages that are left, to the app with its tokens. */
export async function arrive(server: TestServer, journey: Journey, back: URL): Promise<TokenAnswer> {
  const app = await journey.person.walk(await journey.person.open(back.href), { username: '' });
  const code = app.searchParams.get('code');
  if (code === null) throw new Error(`the app got no code: ${app.href}`);
  return redeem(server, code, journey.verifier);
}

/** The error the app is told, where the provider's answer leads to one. */
export async function refusedAtApp({ person }: Journey, back: URL): Promise<string | null> {
  const page: Page = await person.open(back.href);
  return page.status === 302 ? new URL(page.url).searchParams.get('error') : `a page with status ${page.status}`;
}

/** The demo tenant's users who came from a provider. */
export async function foreignUsers(server: TestServer): Promise<readonly Record<string, unknown>[]> {
  const admin = await asAdmin(server);
  return itemsOf(await admin('GET', '/tenants/demo/users?limit=200')).filter(({ external }) => external !== undefined);
}

export interface TraceView {
  readonly outcome: string;
  readonly entries: readonly {
    readonly state: string;
    readonly hook?: {
      readonly name: string;
      readonly script: string;
      readonly ok: boolean;
      readonly before?: unknown;
      readonly after?: unknown;
      readonly logs: readonly { readonly message: string }[];
    };
  }[];
}

/** The newest interactive flow of the demo tenant. */
export async function newestTrace(server: TestServer): Promise<TraceView> {
  const admin = await asAdmin(server);
  const newest = itemsOf(await admin('GET', '/tenants/demo/traces')).find(({ flow }) => flow === 'interactive');
  const { body } = await admin('GET', `/tenants/demo/traces/${String(newest?.['id'])}`);
  return (body['trace'] ?? body) as unknown as TraceView;
}
