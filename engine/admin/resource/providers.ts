/** Foreign OpenID Providers ("OIDC server definitions" in Smile CDR) and SAML identity providers people may log in with. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { makeScript } from '../../script/script.ts';
import { checkSaml, pemOf } from '../../tenant/cross-check.ts';
import { type Problem, problem } from '../../tenant/problem.ts';
import type { Provider, SamlSettings, Script, Tenant } from '../../tenant/tenant.ts';
import { mergePatch } from '../merge-patch.ts';
import { pageOf } from '../paging.ts';
import { invalid, notFound, refuse } from '../problem.ts';
import { ok, type Result, type Services, type TenantRequest, type TenantRoute } from '../route.ts';
import { page, pageQuery, patchOf, providerBody, providerView } from '../schema.ts';
import { checkBody } from '../validate-body.ts';
import { changedMembers } from './clients.ts';

interface ProviderBody extends Omit<Provider, 'federationAuth'> {
  /** The script's source. */
  readonly federationAuth?: string;
}

/** The private keys of a SAML provider, each with the certificate that stands beside it. */
const keys = [
  ['requestKey', 'requestCertificate'],
  ['decryptionKey', 'decryptionCertificate'],
] as const;

function view({ clientSecret, federationAuth, saml, ...rest }: Provider, source: 'configuration' | 'store') {
  return {
    ...rest,
    ...(federationAuth ? { federationAuth: federationAuth.source } : {}),
    ...(saml && { saml: samlView(saml) }),
    hasClientSecret: clientSecret !== undefined,
    protocol: saml === undefined ? 'openid' : 'saml',
    source,
  };
}

function samlView({ requestKey, decryptionKey, ...rest }: SamlSettings) {
  return { ...rest, hasRequestKey: requestKey !== undefined, hasDecryptionKey: decryptionKey !== undefined };
}

/** Without its secrets: what is left out of a body stays. */
function bodyOf({ clientSecret: _secret, federationAuth, saml, ...rest }: Provider): ProviderBody {
  const { requestKey: _signs, decryptionKey: _decrypts, ...settings } = saml ?? {};
  return {
    ...rest,
    ...(federationAuth ? { federationAuth: federationAuth.source } : {}),
    ...(saml && { saml: settings as SamlSettings }),
  };
}

function scriptOf(id: string, source: string): Script {
  return makeScript(`${id}.js`, source);
}

/** Every violation; a script must load, and the settings of SAML must fit together with what is stored. */
async function violations(body: ProviderBody, { scripts }: Services, before?: Provider) {
  const found = checkBody(providerBody, body);
  if (found.length > 0) return found;
  const misfits = samlMisfits(body, before);
  if (misfits.length > 0 || body.federationAuth === undefined) return misfits;
  const inspected = await scripts.inspect(scriptOf(body.id, body.federationAuth));
  if (inspected.ok) return [];
  const { line = 1, column = 1 } = inspected.location ?? {};
  return [
    problem('script', 'body', '/federationAuth', `${inspected.message} at ${line}:${column}`, 'a script that loads'),
  ];
}

function samlMisfits(body: ProviderBody, before?: Provider): readonly Problem[] {
  const { saml } = body;
  if (saml === undefined) return [];
  const problems: Problem[] = [];
  const report = (code: string, pointer: string, found: string, expected: string, hint?: string) =>
    problems.push(problem(code, 'body', pointer, found, expected, hint));
  checkSaml({ ...body, ...secretOf(body, before), saml: { ...saml, ...keptKeys(saml, before?.saml) } }, '', report);
  if (problems.length > 0) return problems;
  for (const [key, certificate] of keys) {
    const text = saml[certificate];
    if (text === undefined) continue;
    if (saml[key] === undefined && text !== before?.saml?.[certificate])
      report(`saml-key`, `/saml/${key}`, 'a new certificate without its key', 'the key as well');
    else if (saml[key] !== undefined && !belongTogether(saml[key], text))
      report(`saml-key`, `/saml/${key}`, 'no key of the certificate', 'PEM of its RSA private key');
  }
  return problems;
}

function belongTogether(key: string, certificate: string): boolean {
  try {
    const made = createPrivateKey(key);
    return made.asymmetricKeyType === 'rsa' && new X509Certificate(pemOf(certificate)).checkPrivateKey(made);
  } catch {
    return false;
  }
}

/** The keys by themselves: new ones, or those before where their certificates are still there. */
function keptKeys(saml: SamlSettings, before?: SamlSettings): Pick<SamlSettings, 'requestKey' | 'decryptionKey'> {
  const kept = keys.flatMap(([key, certificate]) => {
    const value = saml[key] ?? (saml[certificate] === undefined ? undefined : before?.[key]);
    return value === undefined ? [] : [[key, value] as const];
  });
  return Object.fromEntries(kept);
}

function secretOf({ clientSecret }: ProviderBody, before?: Provider): Pick<Provider, 'clientSecret'> {
  const secret = clientSecret ?? before?.clientSecret;
  return secret === undefined ? {} : { clientSecret: secret };
}

/** Secrets are stored sealed; without new ones those before stay. */
function toProvider(tenant: Tenant, body: ProviderBody, services: Services, before?: Provider): Provider {
  const { clientSecret, federationAuth, saml, ...rest } = body;
  const sealed =
    clientSecret === undefined
      ? before?.clientSecret
      : services.seal(tenant.id, providerSecretName(body.id), clientSecret);
  return {
    ...rest,
    ...(sealed === undefined ? {} : { clientSecret: sealed }),
    ...(federationAuth === undefined ? {} : { federationAuth: scriptOf(body.id, federationAuth) }),
    ...(saml && { saml: toSaml(tenant, body.id, saml, services, before?.saml) }),
  };
}

function toSaml(tenant: Tenant, id: string, saml: SamlSettings, services: Services, before?: SamlSettings) {
  const { requestKey: _signs, decryptionKey: _decrypts, ...settings } = saml;
  const given = keys.flatMap(([key]) => {
    const value = saml[key];
    return value === undefined ? [] : [[key, services.seal(tenant.id, providerKeyName(id, key), value)] as const];
  });
  return { ...settings, ...keptKeys({ ...saml, ...Object.fromEntries(given) }, before) };
}

/** What a stored provider's secret is sealed for. */
export function providerSecretName(id: string): string {
  return `provider ${id}`;
}

function providerKeyName(id: string, key: (typeof keys)[number][0]): string {
  return `provider ${id} ${key}`;
}

/**
 * A stored provider with its secrets in the open.
 * @param unseal gets what it was sealed for. @throws what `unseal` throws.
 */
export function openStoredProvider(provider: Provider, unseal: (name: string, sealed: string) => string): Provider {
  const { id, clientSecret, saml } = provider;
  const opened = keys.flatMap(([key]) => {
    const sealed = saml?.[key];
    return sealed === undefined ? [] : [[key, unseal(providerKeyName(id, key), sealed)] as const];
  });
  return {
    ...provider,
    ...(clientSecret === undefined ? {} : { clientSecret: unseal(providerSecretName(id), clientSecret) }),
    ...(saml && { saml: { ...saml, ...Object.fromEntries(opened) } }),
  };
}

function inDocument(tenant: Tenant, id: string): boolean {
  return tenant.providers.some((provider) => provider.id === id);
}

function documentOwned(id: string) {
  return refuse(409, 'provider-configured', `The provider ${id} is defined in the tenant document.`, {
    hint: 'Edit tenant.json; the server reloads it.',
  });
}

async function edit(
  request: TenantRequest,
  services: Services,
  next: (body: ProviderBody) => ProviderBody,
): Promise<Result> {
  const { tenant, parameters } = request;
  const id = parameters['providerId'] ?? '';
  if (inDocument(tenant, id)) return documentOwned(id);
  const known = await services.store.providers.find(tenant.id, id);
  if (!known) return notFound('provider', id);
  const body = next(bodyOf(known));
  const problems = await violations(body, services, known);
  if (problems.length > 0) return invalid(problems);
  if (body.id !== id) return refuse(400, 'provider-id-fixed', 'The id of a provider does not change.');
  if (body.issuer !== known.issuer && body.clientSecret === undefined && known.clientSecret !== undefined)
    return refuse(400, 'provider-secret-moves', 'The stored secret would be sent to another issuer.', {
      hint: 'Send clientSecret again together with the new issuer.',
    });
  let stale = false;
  const provider = await services.store.providers.change(tenant.id, id, (current) => {
    stale = JSON.stringify(current) !== JSON.stringify(known);
    return stale ? current : toProvider(tenant, body, services, current);
  });
  if (!provider) return notFound('provider', id);
  if (stale)
    return refuse(409, 'changed-meanwhile', 'Somebody else changed the provider at this moment.', {
      hint: 'Try again.',
    });
  return {
    status: 200,
    body: view(provider, 'store'),
    change: {
      type: 'provider.changed',
      details: {
        providerId: id,
        members: [
          ...changedMembers(bodyOf(known), bodyOf(provider)),
          ...(body.clientSecret ? ['clientSecret'] : []),
          ...keys.flatMap(([key]) => (known.saml?.[key] === provider.saml?.[key] ? [] : [`saml.${key}`])),
        ],
      },
    },
  };
}

const onProvider = '/tenants/{tenant}/providers/{providerId}';

export const providerRoutes: readonly TenantRoute[] = [
  {
    name: 'listProviders',
    method: 'GET',
    path: '/tenants/{tenant}/providers',
    summary: 'The foreign providers of a tenant.',
    permission: 'read',
    query: pageQuery,
    answer: { status: 200, schema: page(providerView) },
    commands: [{ name: 'provider list' }],
    columns: ['id', 'name', 'issuer', 'clientId', 'source'],
    async run({ tenant, query }, { store }) {
      const stored = (await store.providers.list(tenant.id)).filter(({ id }) => !inDocument(tenant, id));
      const all = [
        ...tenant.providers.map((provider) => view(provider, 'configuration')),
        ...stored.map((provider) => view(provider, 'store')),
      ];
      return ok(pageOf(all, ({ id }) => id, query));
    },
  },
  {
    name: 'createProvider',
    method: 'POST',
    path: '/tenants/{tenant}/providers',
    summary: 'Adds a foreign provider; its secret is stored encrypted and never shown.',
    permission: 'manage',
    body: providerBody,
    answer: { status: 201, schema: providerView },
    commands: [{ name: 'provider create' }],
    async run({ tenant, body }, services) {
      const wanted = body as ProviderBody;
      const problems = await violations(wanted, services);
      if (problems.length > 0) return invalid(problems);
      if (inDocument(tenant, wanted.id)) return documentOwned(wanted.id);
      const provider = toProvider(tenant, wanted, services);
      await services.store.providers.create(tenant.id, provider);
      return {
        status: 201,
        body: view(provider, 'store'),
        change: { type: 'provider.created', details: { providerId: provider.id } },
      };
    },
  },
  {
    name: 'getProvider',
    method: 'GET',
    path: onProvider,
    summary: 'One provider.',
    permission: 'read',
    answer: { status: 200, schema: providerView },
    commands: [{ name: 'provider show' }],
    async run({ tenant, parameters }, { store }) {
      const id = parameters['providerId'] ?? '';
      const seeded = tenant.providers.find((provider) => provider.id === id);
      if (seeded) return ok(view(seeded, 'configuration'));
      const provider = await store.providers.find(tenant.id, id);
      return provider ? ok(view(provider, 'store')) : notFound('provider', id);
    },
  },
  {
    name: 'replaceProvider',
    method: 'PUT',
    path: onProvider,
    summary: 'Replaces a provider; its secret stays unless one is given.',
    permission: 'manage',
    body: providerBody,
    answer: { status: 200, schema: providerView },
    commands: [],
    run: (request, services) => edit(request, services, () => request.body as ProviderBody),
  },
  {
    name: 'changeProvider',
    method: 'PATCH',
    path: onProvider,
    summary: 'Changes some members of a provider (JSON Merge Patch, RFC 7396).',
    permission: 'manage',
    body: patchOf(providerBody),
    answer: { status: 200, schema: providerView },
    commands: [{ name: 'provider edit' }],
    run: (request, services) => edit(request, services, (before) => mergePatch(before, request.body) as ProviderBody),
  },
  {
    name: 'deleteProvider',
    method: 'DELETE',
    path: onProvider,
    summary: 'Takes a provider away: nobody logs in with it any more.',
    permission: 'manage',
    answer: { status: 204 },
    commands: [{ name: 'provider delete' }],
    async run({ tenant, parameters }, { store }) {
      const id = parameters['providerId'] ?? '';
      if (inDocument(tenant, id)) return documentOwned(id);
      if (!(await store.providers.find(tenant.id, id))) return notFound('provider', id);
      await store.providers.delete(tenant.id, id);
      return { status: 204, change: { type: 'provider.deleted', details: { providerId: id } } };
    },
  },
];
