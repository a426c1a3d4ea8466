/** Turns a valid document and the files it names into a tenant. */
import { basename, resolve } from 'node:path';
import { breachKeyOf } from '../identity/password.ts';
import { compileScript } from '../script/compile/compile.ts';
import { isLoopback } from './cross-check.ts';
import type { TenantDocument } from './document.ts';
import type { SecretRules, SecretSource, TenantFiles } from './files.ts';
import { importedKeys, publicJwks } from './key-sets.ts';
import { escapePointer } from './problem.ts';
import { loadClient, loadUser } from './seeds.ts';
import type {
  BoundCallbacks,
  Client,
  FhirAccess,
  FhirServer,
  LdapSettings,
  OutboundHttp,
  PasswordRules,
  Provider,
  SamlSettings,
  Script,
  ScriptSecret,
  Tenant,
  User,
} from './tenant.ts';

type DirectoryDocument = NonNullable<NonNullable<TenantDocument['inbound']>[number]['ldap']>;

/** Characters. What is shorter stands in too many texts to be masked in all of them. */
const shortestSecret = 8;

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

/** The settings of a directory with its file and its secret read; what failed of these is reported. */
async function loadDirectory(
  { caFile, bind, ...rest }: DirectoryDocument,
  at: string,
  files: TenantFiles,
  rules: SecretRules,
): Promise<LdapSettings> {
  const ca = caFile === undefined ? undefined : await files.read(caFile, `${at}/caFile`);
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----'))
    files.report('directory-ca', `${at}/caFile`, `"${caFile}", which holds no certificate`, 'certificates as PEM');
  const password = bind && (await files.secret(bind.password, `${at}/bind/password`, rules));
  return {
    // The schema filled in every default.
    ...(rest as unknown as LdapSettings),
    ...(ca === undefined ? {} : { ca }),
    ...(bind && password !== undefined ? { bind: { dn: bind.dn, password } } : {}),
  };
}

/** A script that does not compile is reported as such. */
function hasFunction(script: Script, wanted: string): boolean {
  const compiled = compileScript(script);
  return !compiled.ok || compiled.program.functions.some(({ name }) => name === wanted);
}

/** Lines of plain passwords, or of their SHA-1 with or without a count behind a colon. */
function readBreachedList(text: string): ReadonlySet<string> {
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  return new Set(lines.map((line) => /^([0-9A-Fa-f]{40})(:\d+)?$/.exec(line)?.[1]?.toUpperCase() ?? breachKeyOf(line)));
}

/** Builds the tenant of a document that fits its schema. What is wrong beyond that is reported to `files`. */
export async function buildTenant(
  document: TenantDocument,
  folder: string,
  files: TenantFiles,
  source: SecretSource,
): Promise<Tenant> {
  const rules: SecretRules = { inlineAllowed: document.demo === true && isLoopback(document.issuer), ...source };
  const clients: Client[] = [];
  for (const [index, client] of (document.clients ?? []).entries())
    clients.push(await loadClient(client, `/clients/${index}`, files, rules, { folder, issuer: document.issuer }));
  // The schema filled in every default.
  const { breachedList, ...passwordRules } = document.passwords as Required<
    NonNullable<TenantDocument['passwords']>
  > & {
    readonly hashing: PasswordRules['hashing'];
  };
  const breachedText = breachedList && (await files.read(breachedList, '/passwords/breachedList'));
  const breached = breachedText === undefined || breachedText === '' ? undefined : readBreachedList(breachedText);
  const passwords: PasswordRules = { ...passwordRules, ...(breached && { breached }) };
  const users: User[] = [];
  for (const [index, user] of (document.users ?? []).entries())
    users.push(await loadUser(user, `/users/${index}`, files, rules, folder, passwords, document.demo === true));
  const providers: Provider[] = [];
  for (const [index, { clientSecret, federationAuth, saml, ...rest }] of (document.providers ?? []).entries()) {
    const at = `/providers/${index}`;
    const secret =
      clientSecret === undefined ? undefined : await files.secret(clientSecret, `${at}/clientSecret`, rules);
    const script = await files.script(federationAuth, `${at}/federationAuth`);
    const { requestKey, decryptionKey, ...settings } = saml ?? {};
    const keyOf = async (name: string, reference: typeof requestKey) =>
      reference === undefined ? undefined : files.secret(reference, `${at}/saml/${name}`, rules);
    const signs = await keyOf('requestKey', requestKey);
    const decrypts = await keyOf('decryptionKey', decryptionKey);
    providers.push({
      ...(rest as Required<typeof rest>),
      name: rest.name ?? rest.id,
      ...(secret && { clientSecret: secret }),
      ...(script && { federationAuth: script }),
      ...(saml && {
        saml: {
          ...(settings as SamlSettings),
          ...(signs && { requestKey: signs }),
          ...(decrypts && { decryptionKey: decrypts }),
        },
      }),
    });
  }
  const inbound: Tenant['inbound'][number][] = [];
  for (const [index, module] of (document.inbound ?? []).entries()) {
    const script = await files.script(module.script, `/inbound/${index}/script`);
    const common = { id: module.id, ...(script && { script }) };
    if (module.type === 'local')
      inbound.push({ type: 'local', ...common, selfRegistration: module.selfRegistration !== false });
    else if (module.type === 'scripted') {
      if (script) inbound.push({ type: 'scripted', id: module.id, script });
      if (script && !hasFunction(script, 'authenticate'))
        files.report(
          'scripted-function',
          `/inbound/${index}/script`,
          `"${script.name}" without the function authenticate`,
          'authenticate(theRequest, theOutcomeFactory)',
          'it checks user names and passwords',
        );
    }
    // Without its settings it is reported by the cross check.
    else if (module.ldap)
      inbound.push({
        type: 'ldap',
        ...common,
        ldap: await loadDirectory(module.ldap, `/inbound/${index}/ldap`, files, rules),
      });
  }
  const trust: Tenant['codap']['trust'][number][] = [];
  for (const [index, { jwks, jwksFile, ...rest }] of (document.codap?.trust ?? []).entries()) {
    const source = { ...(jwks && { jwks }), ...(jwksFile && { jwksFile }) };
    const keys = await publicJwks(files, source, `/codap/trust/${index}`, document.issuer);
    trust.push({ ...(rest as Required<Omit<typeof rest, 'jwksUri'>> & typeof rest), ...keys });
  }
  const callbacks = await files.script(document.scripts?.callbacks, '/scripts/callbacks');
  const codapAuthorization = await files.script(document.scripts?.codapAuthorization, '/scripts/codapAuthorization');
  const bound: BoundCallbacks[] = [];
  for (const [index, { script, ...rest }] of (document.scripts?.bound ?? []).entries()) {
    const loaded = await files.script(script, `/scripts/bound/${index}/script`);
    if (loaded) bound.push({ ...rest, script: loaded });
  }
  const imported = await importedKeys(files, document.keystore ?? {}, { ...rules, issuer: document.issuer });
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(document.environment ?? {})) {
    const text = await files.secret(value, `/environment/${escapePointer(name)}`, {
      ...rules,
      inlineAllowed: true,
    });
    if (text !== undefined) values[name] = text;
  }
  const secrets: Record<string, ScriptSecret> = {};
  for (const [name, { value, hooks }] of Object.entries(document.secrets ?? {})) {
    const at = `/secrets/${escapePointer(name)}/value`;
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
  const { password: smtpSecret, ...smtp } = document.mail?.smtp ?? {};
  const smtpPassword = smtpSecret && (await files.secret(smtpSecret, '/mail/smtp/password', rules));
  const mail = document.mail && {
    from: document.mail.from,
    smtp: { ...smtp, ...(smtpPassword === undefined ? {} : { password: smtpPassword }) },
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
    ...(mail && { mail }),
    passwords,
    secondFactor: { issuerName: document.name ?? id, ...document.secondFactor },
    providers,
    clients,
    users,
    scripts: { ...(callbacks && { callbacks }), ...(codapAuthorization && { codapAuthorization }), bound },
    environment: values,
    secrets,
    fhirServers,
    outboundHttp,
    codap: { enabled: document.codap?.enabled === true, trust },
    traces: { ...document.traces, values: document.traces?.values ?? (document.demo === true ? 'all' : 'none') },
  } as Tenant;
}
