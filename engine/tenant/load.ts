/** Turns a tenant folder into one immutable, validated object, or into the list of everything that is wrong with it. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { hashLowEntropySecret } from '../store/secret.ts';
import { crossCheck, isLoopback } from './cross-check.ts';
import type { ClientDocument, TenantDocument, UserDocument } from './document.ts';
import { publicPart, TenantFiles, type SecretRules } from './files.ts';
import { problem, type Problem } from './problem.ts';
import type {
  Client,
  ClientSecret,
  FhirAccess,
  FhirServer,
  GrantType,
  Jwk,
  OutboundHttp,
  Provider,
  ScriptSecret,
  Tenant,
  User,
} from './tenant.ts';
import { validateDocument } from './validate.ts';

export type { Problem } from './problem.ts';
export type LoadResult =
  | { readonly ok: true; readonly tenant: Tenant; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const FILE = 'tenant.json';
/** Characters. What is shorter stands in too many texts to be masked in all of them. */
const shortestSecret = 8;
const hashes = new Map<string, Promise<string>>();

/** argon2id takes tens of milliseconds by design: a reload hashes only what changed. Keyed by place, so equal secrets get their own salts. */
function hashOnce(place: string, value: string): Promise<string> {
  const key = createHash('sha256')
    .update(JSON.stringify([place, value]))
    .digest('base64url');
  const known = hashes.get(key) ?? hashLowEntropySecret(value);
  hashes.set(key, known);
  return known;
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}

interface KeySource {
  readonly jwks?: { readonly keys: readonly unknown[] };
  readonly jwksFile?: string;
}

async function keysOf(files: TenantFiles, source: KeySource, at: string): Promise<readonly Jwk[] | undefined> {
  if (source.jwksFile !== undefined) return files.jwks(source.jwksFile, `${at}/jwksFile`);
  return source.jwks?.keys as readonly Jwk[] | undefined;
}

async function publicJwks(
  files: TenantFiles,
  source: KeySource,
  at: string,
): Promise<{ jwks?: { keys: readonly Jwk[] } }> {
  const keys = await keysOf(files, source, at);
  return keys === undefined ? {} : { jwks: { keys: keys.map(publicPart) } };
}

async function loadClient(
  document: ClientDocument,
  at: string,
  files: TenantFiles,
  rules: SecretRules,
  folder: string,
): Promise<Client> {
  const { jwks: _jwks, jwksFile: _jwksFile, secrets: documents = [], ...rest } = document;
  const secrets: ClientSecret[] = [];
  for (const [index, { value, ...details }] of documents.entries()) {
    const text = await files.secret(value, `${at}/secrets/${index}/value`, rules);
    if (text !== undefined)
      secrets.push({
        id: String(index + 1),
        hash: await hashOnce(`${folder} ${document.clientId} ${index}`, text),
        ...details,
      });
  }
  // Every default that `Client` asks for was filled in by the schema; grant types passed the cross check.
  const filled = rest as Required<
    Omit<
      typeof rest,
      'jwksUri' | 'accessTokenSeconds' | 'refreshTokenSeconds' | 'idTokenSigningAlgorithm' | 'attestation'
    >
  > &
    typeof rest;
  return {
    ...filled,
    clientName: document.clientName ?? document.clientId,
    grantTypes: filled.grantTypes as GrantType[],
    secrets,
    ...(await publicJwks(files, document, at)),
  } as Client;
}

async function loadUser(
  document: UserDocument,
  at: string,
  files: TenantFiles,
  rules: SecretRules,
  folder: string,
): Promise<User> {
  const { password, ...rest } = document;
  const text = password === undefined ? undefined : await files.secret(password, `${at}/password`, rules);
  const passwordHash =
    text === undefined ? {} : { passwordHash: await hashOnce(`${folder} user ${document.username}`, text) };
  return {
    ...(rest as Required<Pick<User, 'enabled' | 'authorities' | 'defaultLaunchContexts' | 'userData'>> & typeof rest),
    id: document.id ?? document.username,
    ...passwordHash,
  };
}

/** The credential with its secret read, or undefined where that failed, which is reported. */
async function loadAccess(
  access: NonNullable<NonNullable<TenantDocument['fhirServers']>[number]['access']>,
  at: string,
  files: TenantFiles,
  rules: SecretRules,
): Promise<FhirAccess | undefined> {
  switch (access.type) {
    case 'bearer': {
      const token = await files.secret(access.token, `${at}/token`, rules);
      return token === undefined ? undefined : { ...access, token };
    }
    case 'basic': {
      const password = await files.secret(access.password, `${at}/password`, rules);
      return password === undefined ? undefined : { ...access, password };
    }
    case 'client-credentials': {
      const clientSecret = await files.secret(access.clientSecret, `${at}/clientSecret`, rules);
      return clientSecret === undefined ? undefined : { ...access, clientSecret };
    }
    default:
      return access;
  }
}

async function build(
  document: TenantDocument,
  folder: string,
  files: TenantFiles,
  environment: SecretRules['environment'],
): Promise<Tenant> {
  const rules: SecretRules = { inlineAllowed: document.demo === true && isLoopback(document.issuer), environment };
  const clients: Client[] = [];
  for (const [index, client] of (document.clients ?? []).entries())
    clients.push(await loadClient(client, `/clients/${index}`, files, rules, folder));
  if (!isLoopback(document.issuer)) {
    // The demo's private keys stand in the repository for everybody to read.
    clients.forEach((client, index) => {
      if (client.jwks?.keys.some(({ kid }) => kid?.startsWith('demo-')))
        files.report('demo-key', `/clients/${index}`, 'a demo key', 'a key of its own', 'demo keys are public');
    });
  }
  const users: User[] = [];
  for (const [index, user] of (document.users ?? []).entries())
    users.push(await loadUser(user, `/users/${index}`, files, rules, folder));
  const providers: Provider[] = [];
  for (const [index, { clientSecret, federationAuth, ...rest }] of (document.providers ?? []).entries()) {
    const at = `/providers/${index}`;
    const secret =
      clientSecret === undefined ? undefined : await files.secret(clientSecret, `${at}/clientSecret`, rules);
    const script = await files.script(federationAuth, `${at}/federationAuth`);
    providers.push({
      ...(rest as Required<typeof rest>),
      name: rest.name ?? rest.id,
      ...(secret && { clientSecret: secret }),
      ...(script && { federationAuth: script }),
    });
  }
  const inbound: Tenant['inbound'][number][] = [];
  for (const [index, module] of (document.inbound ?? []).entries()) {
    const script = await files.script(module.script, `/inbound/${index}/script`);
    inbound.push({ type: module.type, id: module.id, ...(script && { script }) });
  }
  const trust: Tenant['codap']['trust'][number][] = [];
  for (const [index, { jwks, jwksFile, ...rest }] of (document.codap?.trust ?? []).entries()) {
    const keys = await publicJwks(
      files,
      { ...(jwks && { jwks }), ...(jwksFile && { jwksFile }) },
      `/codap/trust/${index}`,
    );
    trust.push({ ...(rest as Required<Omit<typeof rest, 'jwksUri'>> & typeof rest), ...keys });
  }
  const callbacks = await files.script(document.scripts?.callbacks, '/scripts/callbacks');
  const codapAuthorization = await files.script(document.scripts?.codapAuthorization, '/scripts/codapAuthorization');
  const imported = (await keysOf(files, document.keystore ?? {}, '/keystore')) ?? [];
  if (document.keystore?.jwks !== undefined && !rules.inlineAllowed)
    files.report(
      'secret-inline',
      '/keystore/jwks',
      'inline private keys',
      '"jwksFile"',
      'only demo tenants may hold keys inline',
    );
  imported.forEach((key, index) => {
    if (key.kid === undefined || key.alg === undefined || key['d'] === undefined)
      files.report(
        'key-import',
        `/keystore (key ${index + 1})`,
        'a key without kid, alg or private part',
        'a private key with kid and alg',
      );
  });
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(document.environment ?? {})) {
    const text = await files.secret(value, `/environment/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, {
      ...rules,
      inlineAllowed: true,
    });
    if (text !== undefined) values[name] = text;
  }
  const secrets: Record<string, ScriptSecret> = {};
  for (const [name, { value, hooks }] of Object.entries(document.secrets ?? {})) {
    const at = `/secrets/${name}/value`;
    const text = await files.secret(value, at, rules);
    if (text !== undefined && text.length < shortestSecret)
      files.report(
        'secret-short',
        at,
        `${text.length} characters`,
        `at least ${shortestSecret}`,
        'a shorter one could not be masked',
      );
    if (text !== undefined) secrets[name] = { value: text, hooks };
  }
  const fhirServers: FhirServer[] = [];
  for (const [index, { access, ...rest }] of (document.fhirServers ?? []).entries()) {
    const login = access && (await loadAccess(access, `/fhirServers/${index}/access`, files, rules));
    fhirServers.push({ ...rest, ...(login && { access: login }) });
  }
  const hosts = document.outboundHttp?.allow ?? [];
  const outboundHttp: OutboundHttp = {
    allow: hosts.map((entry) => (typeof entry === 'string' ? entry : entry.host)),
    allowPrivate: document.outboundHttp?.allowPrivate === true,
    rules: hosts.filter((entry) => typeof entry !== 'string'),
  };
  const id = document.id ?? basename(resolve(folder));
  const { $schema: _schema, ...rest } = document;
  return {
    ...rest,
    id,
    name: document.name ?? id,
    folder: resolve(folder),
    version: files.version(),
    keystore: { algorithms: document.keystore?.algorithms ?? [], imported },
    inbound,
    providers,
    clients,
    users,
    scripts: { ...(callbacks && { callbacks }), ...(codapAuthorization && { codapAuthorization }) },
    environment: values,
    secrets,
    fhirServers,
    outboundHttp,
    codap: { enabled: document.codap?.enabled === true, trust },
  } as Tenant;
}

function warningsOf(tenant: Tenant): readonly Problem[] {
  const warnings: Problem[] = [];
  if (tenant.fhirServers.length === 0)
    warnings.push(
      problem(
        'no-fhir-server',
        FILE,
        '/fhirServers',
        'no FHIR server',
        'at least one',
        'without one no "aud" is accepted',
      ),
    );
  return warnings;
}

/**
 * Loads `tenant.json` of a folder and all files it names (DESIGN section 5).
 * @param options.masterEnvironment variables that `{"env": …}` secrets are read from; none unless given.
 * @returns the deeply frozen tenant with warnings, or every problem found. Never rejects for a bad document.
 */
export async function loadTenant(
  folder: string,
  options: { readonly masterEnvironment?: Readonly<Record<string, string | undefined>> } = {},
): Promise<LoadResult> {
  const name = join(folder, FILE);
  const files = new TenantFiles(folder, name);
  let text: string;
  try {
    text = await readFile(name, 'utf8');
  } catch {
    return { ok: false, problems: [problem('file-unreadable', name, '', 'no readable file', 'a tenant.json')] };
  }
  files.remember(FILE, text);
  let document: TenantDocument;
  try {
    document = JSON.parse(text) as TenantDocument;
  } catch (error) {
    // V8's message may quote the document, secrets included: only the position is told.
    const place = /line \d+ column \d+|position \d+/.exec(String(error))?.[0] ?? 'an unknown place';
    return { ok: false, problems: [problem('json', name, '', `malformed JSON (${place})`, 'JSON')] };
  }
  const problems = validateDocument('tenant', document, name);
  if (problems.length > 0) return { ok: false, problems };
  crossCheck(document, files.report.bind(files));
  const tenant = await build(document, folder, files, options.masterEnvironment ?? {});
  if (files.problems.length > 0) return { ok: false, problems: files.problems };
  return { ok: true, tenant: deepFreeze(tenant), warnings: warningsOf(tenant) };
}
