/** Foreign OpenID Providers people may log in with ("OIDC server definitions" in Smile CDR). */
import { makeScript } from '../../script/script.ts';
import { problem } from '../../tenant/problem.ts';
import type { Provider, Script, Tenant } from '../../tenant/tenant.ts';
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

function view({ clientSecret, federationAuth, saml, ...rest }: Provider, source: 'configuration' | 'store') {
  return {
    ...rest,
    ...(federationAuth ? { federationAuth: federationAuth.source } : {}),
    hasClientSecret: clientSecret !== undefined,
    protocol: saml === undefined ? 'openid' : 'saml',
    source,
  };
}

function bodyOf({ clientSecret: _secret, federationAuth, ...rest }: Provider): ProviderBody {
  return { ...rest, ...(federationAuth ? { federationAuth: federationAuth.source } : {}) };
}

function scriptOf(id: string, source: string): Script {
  return makeScript(`${id}.js`, source);
}

/** Every violation; a script must load. */
async function violations(body: ProviderBody, { scripts }: Services) {
  const found = checkBody(providerBody, body);
  if (found.length > 0 || body.federationAuth === undefined) return found;
  const inspected = await scripts.inspect(scriptOf(body.id, body.federationAuth));
  if (inspected.ok) return [];
  const { line = 1, column = 1 } = inspected.location ?? {};
  return [
    problem('script', 'body', '/federationAuth', `${inspected.message} at ${line}:${column}`, 'a script that loads'),
  ];
}

/** The secret is stored sealed; without a new one the one before stays. */
function toProvider(tenant: Tenant, body: ProviderBody, services: Services, before?: Provider): Provider {
  const { clientSecret, federationAuth, ...rest } = body;
  const sealed =
    clientSecret === undefined
      ? before?.clientSecret
      : services.seal(tenant.id, providerSecretName(body.id), clientSecret);
  return {
    ...rest,
    ...(sealed === undefined ? {} : { clientSecret: sealed }),
    ...(federationAuth === undefined ? {} : { federationAuth: scriptOf(body.id, federationAuth) }),
  };
}

/** What a stored provider's secret is sealed for. */
export function providerSecretName(id: string): string {
  return `provider ${id}`;
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
  const problems = await violations(body, services);
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
        members: [...changedMembers(bodyOf(known), bodyOf(provider)), ...(body.clientSecret ? ['clientSecret'] : [])],
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
