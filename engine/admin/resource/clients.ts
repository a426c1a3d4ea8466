/** The tenant's apps and their secrets. A client of the tenant document is shown, and changed in the document. */
import { newClientSecret, newHandle } from '../../store/secret.ts';
import type { ClientDocument } from '../../tenant/document.ts';
import { checkClient } from '../../tenant/cross-check.ts';
import { publicPart } from '../../tenant/files.ts';
import { problem, type Problem } from '../../tenant/problem.ts';
import type { Client, ClientSecret, Jwk, Tenant } from '../../tenant/tenant.ts';
import { mergePatch } from '../merge-patch.ts';
import { pageOf } from '../paging.ts';
import { invalid, notFound, refuse } from '../problem.ts';
import { type Answer, ok, type Result, type Services, type TenantRequest, type TenantRoute } from '../route.ts';
import {
  clientBody,
  clientView,
  list,
  object,
  page,
  pageQuery,
  patchOf,
  secretBody,
  secretView,
  text,
} from '../schema.ts';
import { checkBody } from '../validate-body.ts';

/** A client as `schemas/tenant.schema.json` describes it, without what only files can hold. */
type ClientBody = Omit<ClientDocument, 'secrets' | 'jwksFile'>;
type SecretBody = Omit<ClientSecret, 'id' | 'hash'>;

const shownSecret = {
  ...secretView,
  properties: { ...(secretView['properties'] as object), secret: text('Shown once.') },
};

function secretless({ hash: _hash, ...rest }: ClientSecret) {
  return rest;
}

function view(client: Client, source: 'configuration' | 'store') {
  return { ...client, source, secrets: client.secrets.map(secretless) };
}

function bodyOf({ secrets: _secrets, ...rest }: Client): ClientBody {
  return rest as unknown as ClientBody;
}

/** Every violation of schema and cross rules; `secrets` says how many the client has or is about to get. */
function violations(body: ClientBody, secrets: number): readonly Problem[] {
  const found = checkBody(clientBody, body);
  if (found.length > 0) return found;
  const problems: Problem[] = [];
  checkClient(
    { ...body, secrets: Array.from({ length: secrets }, () => ({ value: 'stored' })) } as ClientDocument,
    '',
    (code, pointer, what, expected, hint) => problems.push(problem(code, 'body', pointer, what, expected, hint)),
  );
  return problems;
}

function toClient(body: ClientBody, secrets: readonly ClientSecret[]): Client {
  const { jwks, ...rest } = body as ClientBody & { readonly jwks?: { readonly keys: readonly Jwk[] } };
  return {
    ...(rest as unknown as Client),
    secrets,
    ...(jwks === undefined ? {} : { jwks: { keys: jwks.keys.map(publicPart) } }),
  };
}

function takesSecret(body: ClientBody): boolean {
  return body.tokenEndpointAuthMethods.some((method) => method.startsWith('client_secret'));
}

function newSecret(details: SecretBody): { readonly stored: ClientSecret; readonly secret: string } {
  const { secret, hash } = newClientSecret();
  return { secret, stored: { id: newHandle(9), hash, ...details } };
}

function inDocument(tenant: Tenant, clientId: string): boolean {
  return tenant.clients.some((client) => client.clientId === clientId);
}

function documentOwned(clientId: string) {
  return refuse(409, 'client-configured', `The client ${clientId} is defined in the tenant document.`, {
    hint: 'Edit tenant.json; the server reloads it.',
  });
}

/** Edits a stored client in one transaction; `edit` may refuse. */
async function change(
  { tenant, parameters }: TenantRequest,
  services: Services,
  edit: (client: Client) => Client | { readonly refused: ReturnType<typeof refuse> },
): Promise<{ readonly client: Client } | ReturnType<typeof refuse>> {
  const clientId = parameters['clientId'] ?? '';
  if (inDocument(tenant, clientId)) return documentOwned(clientId);
  let refused: ReturnType<typeof refuse> | undefined;
  const client = await services.store.clients.change(tenant.id, clientId, (current) => {
    const edited = edit(current);
    if (!('refused' in edited)) return edited;
    refused = edited.refused;
    return current;
  });
  if (!client) return notFound('client', clientId);
  if (refused) return refused;
  services.forgetClient(tenant.id, clientId);
  return { client };
}

/** Names of the members that differ, for the audit trail. */
export function changedMembers(before: object, after: object): readonly string[] {
  const left = before as Readonly<Record<string, unknown>>;
  const right = after as Readonly<Record<string, unknown>>;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])]
    .filter((name) => JSON.stringify(left[name]) !== JSON.stringify(right[name]))
    .sort();
}

async function edit(
  request: TenantRequest,
  services: Services,
  next: (body: ClientBody) => ClientBody,
): Promise<Result> {
  const clientId = request.parameters['clientId'] ?? '';
  let members: readonly string[] = [];
  const result = await change(request, services, (current) => {
    const before = bodyOf(current);
    const body = next(before);
    if (body.clientId !== clientId) {
      return {
        refused: refuse(400, 'client-id-fixed', 'The clientId of a client does not change.', {
          hint: 'Create another client.',
        }),
      };
    }
    const problems = violations(body, current.secrets.length);
    if (problems.length > 0) return { refused: invalid(problems) };
    const client = toClient(body, current.secrets);
    members = changedMembers(before, bodyOf(client));
    return client;
  });
  if ('problem' in result) return result;
  return {
    status: 200,
    body: view(result.client, 'store'),
    change: { type: 'client.changed', clientId, details: { members } },
  };
}

const onClient = '/tenants/{tenant}/clients/{clientId}';

export const clientRoutes: readonly TenantRoute[] = [
  {
    name: 'listClients',
    method: 'GET',
    path: '/tenants/{tenant}/clients',
    summary: 'The apps of a tenant, in the order of their ids.',
    permission: 'read',
    query: {
      ...pageQuery,
      status: { enum: ['enabled', 'disabled', 'all'], default: 'all', description: 'Only these.' },
      search: text('Part of the id or name, in any case.'),
    },
    answer: { status: 200, schema: page(clientView) },
    commands: [{ name: 'client list' }],
    columns: ['clientId', 'clientName', 'enabled', 'grantTypes', 'source'],
    async run({ tenant, query }, { store }) {
      const stored = await store.clients.list(tenant.id);
      const all = [
        ...tenant.clients.map((client) => view(client, 'configuration')),
        ...stored.filter(({ clientId }) => !inDocument(tenant, clientId)).map((client) => view(client, 'store')),
      ];
      const wanted = query['search']?.toLowerCase() ?? '';
      const shown = all.filter(
        (client) =>
          (query['status'] === 'all' || client.enabled === (query['status'] === 'enabled')) &&
          `${client.clientId}\n${client.clientName}`.toLowerCase().includes(wanted),
      );
      return ok(pageOf(shown, (client) => client.clientId, query));
    },
  },
  {
    name: 'createClient',
    method: 'POST',
    path: '/tenants/{tenant}/clients',
    summary: 'Registers an app. One that authenticates with a secret gets its first one, shown in this answer only.',
    permission: 'manage',
    body: clientBody,
    answer: {
      status: 201,
      schema: { ...clientView, properties: { ...(clientView['properties'] as object), secret: text('Shown once.') } },
    },
    commands: [{ name: 'client create' }],
    async run({ tenant, body }, services) {
      const wanted = body as ClientBody;
      const first = takesSecret(wanted) ? newSecret({ description: 'made with the client' }) : undefined;
      const problems = violations(wanted, first ? 1 : 0);
      if (problems.length > 0) return invalid(problems);
      if (inDocument(tenant, wanted.clientId)) return documentOwned(wanted.clientId);
      const client = toClient(wanted, first ? [first.stored] : []);
      await services.store.clients.create(tenant.id, client);
      services.forgetClient(tenant.id, client.clientId);
      return {
        status: 201,
        body: { ...view(client, 'store'), ...(first ? { secret: first.secret } : {}) },
        change: { type: 'client.created', clientId: client.clientId },
      };
    },
  },
  {
    name: 'getClient',
    method: 'GET',
    path: onClient,
    summary: 'One app.',
    permission: 'read',
    answer: { status: 200, schema: clientView },
    commands: [{ name: 'client show' }],
    async run({ tenant, parameters }, { store }) {
      const clientId = parameters['clientId'] ?? '';
      const seeded = tenant.clients.find((client) => client.clientId === clientId);
      if (seeded) return ok(view(seeded, 'configuration'));
      const client = await store.clients.find(tenant.id, clientId);
      return client ? ok(view(client, 'store')) : notFound('client', clientId);
    },
  },
  {
    name: 'replaceClient',
    method: 'PUT',
    path: onClient,
    summary: 'Replaces the definition of an app; its secrets stay.',
    permission: 'manage',
    body: clientBody,
    answer: { status: 200, schema: clientView },
    commands: [],
    run: (request, services) => edit(request, services, () => request.body as ClientBody),
  },
  {
    name: 'changeClient',
    method: 'PATCH',
    path: onClient,
    summary:
      'Changes some members of an app (JSON Merge Patch, RFC 7396). A disabled app gets no token, and its tokens are inactive.',
    permission: 'manage',
    body: patchOf(clientBody),
    answer: { status: 200, schema: clientView },
    commands: [
      { name: 'client edit' },
      { name: 'client enable', summary: 'Lets an app be used again.', body: { enabled: true } },
      {
        name: 'client disable',
        summary: 'Gives an app no more tokens and makes its tokens inactive.',
        body: { enabled: false },
      },
    ],
    run: (request, services) => edit(request, services, (before) => mergePatch(before, request.body) as ClientBody),
  },
  {
    name: 'deleteClient',
    method: 'DELETE',
    path: onClient,
    summary: 'Takes an app away; its tokens are inactive from then on.',
    permission: 'manage',
    answer: { status: 204 },
    commands: [{ name: 'client delete' }],
    async run({ tenant, parameters }, services) {
      const clientId = parameters['clientId'] ?? '';
      if (inDocument(tenant, clientId)) return documentOwned(clientId);
      if (!(await services.store.clients.find(tenant.id, clientId))) return notFound('client', clientId);
      await services.store.clients.delete(tenant.id, clientId);
      services.forgetClient(tenant.id, clientId);
      return { status: 204, change: { type: 'client.deleted', clientId } };
    },
  },
  {
    name: 'listClientSecrets',
    method: 'GET',
    path: `${onClient}/secrets`,
    summary: 'The secrets of an app, without their values.',
    permission: 'read',
    answer: { status: 200, schema: object({ items: list(secretView, 'The secrets.') }) },
    commands: [{ name: 'client secrets' }],
    columns: ['id', 'description', 'activation', 'expiration'],
    async run({ tenant, parameters }, { store }) {
      const clientId = parameters['clientId'] ?? '';
      const client =
        tenant.clients.find((seeded) => seeded.clientId === clientId) ??
        (await store.clients.find(tenant.id, clientId));
      return client ? ok({ items: client.secrets.map(secretless) }) : notFound('client', clientId);
    },
  },
  {
    name: 'addClientSecret',
    method: 'POST',
    path: `${onClient}/secrets`,
    summary: 'Makes another secret, shown in this answer only. Several may be accepted at one time, for rotation.',
    permission: 'manage',
    body: secretBody,
    answer: { status: 201, schema: shownSecret },
    commands: [{ name: 'client add-secret' }],
    async run(request, services) {
      const details = request.body as SecretBody;
      if (details.activation && details.expiration && Date.parse(details.activation) >= Date.parse(details.expiration))
        return refuse(400, 'secret-period', 'The secret would expire before it is accepted.');
      const { secret, stored } = newSecret(details);
      const result = await change(request, services, (client) =>
        takesSecret(bodyOf(client))
          ? { ...client, secrets: [...client.secrets, stored] }
          : {
              refused: refuse(409, 'secret-unused', 'The client does not authenticate with a secret.', {
                hint: 'Add client_secret_basic to its tokenEndpointAuthMethods.',
              }),
            },
      );
      if ('problem' in result) return result;
      return {
        status: 201,
        body: { ...secretless(stored), secret },
        change: { type: 'client.secret-added', clientId: result.client.clientId, details: { secretId: stored.id } },
      } satisfies Answer;
    },
  },
  {
    name: 'deleteClientSecret',
    method: 'DELETE',
    path: `${onClient}/secrets/{secretId}`,
    summary: 'Refuses a secret from now on.',
    permission: 'manage',
    answer: { status: 204 },
    commands: [{ name: 'client remove-secret' }],
    async run(request, services) {
      const secretId = request.parameters['secretId'] ?? '';
      const result = await change(request, services, (client) => {
        const secrets = client.secrets.filter(({ id }) => id !== secretId);
        if (secrets.length === client.secrets.length) return { refused: notFound('secret', secretId) };
        if (secrets.length === 0)
          return {
            refused: refuse(409, 'secret-last', 'It is the last secret of the client.', {
              hint: 'Add another one first, or disable the client.',
            }),
          };
        return { ...client, secrets };
      });
      if ('problem' in result) return result;
      return {
        status: 204,
        change: { type: 'client.secret-removed', clientId: result.client.clientId, details: { secretId } },
      };
    },
  },
];
