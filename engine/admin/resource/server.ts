/** What is not of one tenant: the tenants themselves, and the tokens of the admin API. */
import { hashHandle, newHandle } from '../../store/secret.ts';
import type { AdminToken } from '../../store/store.ts';
import { notFound, refuse } from '../problem.ts';
import { type Role, roles } from '../role.ts';
import { ok, type ServerRoute, type TenantRoute } from '../route.ts';
import { instantText, list, object, text } from '../schema.ts';

const tenantView = object({
  id: text('Its id.'),
  name: text('Its name.'),
  issuer: text('Its issuer.'),
  version: text('Changes with every change of its document or a file it names.'),
});

const tokenView = object(
  {
    id: text('Its id.'),
    name: text('Who has it.'),
    role: { enum: Object.keys(roles), description: 'What it may do.' },
    tenants: list({ type: 'string' }, 'The tenants it is limited to; every one where absent.'),
    createdAt: instantText('When it was made.'),
    expiresAt: instantText('When it ends.'),
  },
  ['id', 'name', 'role', 'createdAt', 'expiresAt'],
);

function viewToken({ createdAt, expiresAt, ...rest }: AdminToken) {
  return { ...rest, createdAt: new Date(createdAt).toISOString(), expiresAt: new Date(expiresAt).toISOString() };
}

const day = 86_400_000;

export const serverRoutes: readonly (ServerRoute | TenantRoute)[] = [
  {
    name: 'whoAmI',
    serverWide: true,
    method: 'GET',
    path: '/whoami',
    summary: 'Whose token this call was made with, and what it may do.',
    permission: 'any',
    answer: { status: 200, schema: tokenView },
    commands: [{ name: 'admin whoami' }],
    run: async ({ actor }) => ok(viewToken(actor)),
  },
  {
    name: 'listTenants',
    serverWide: true,
    method: 'GET',
    path: '/tenants',
    summary: 'The tenants this token may see.',
    permission: 'read',
    answer: { status: 200, schema: object({ items: list(tenantView, 'The tenants.') }) },
    commands: [{ name: 'admin tenants' }],
    columns: ['id', 'name', 'issuer'],
    run: async ({ actor }, { directory }) =>
      ok({
        items: directory
          .all()
          .filter(({ id }) => actor.tenants === undefined || actor.tenants.includes(id))
          .map(({ id, name, issuer, version }) => ({ id, name, issuer, version })),
      }),
  },
  {
    name: 'reload',
    serverWide: true,
    method: 'POST',
    path: '/reload',
    summary: 'Reads all tenant documents again. A tenant whose new document is invalid keeps its last valid one.',
    permission: 'tokens',
    answer: {
      status: 200,
      schema: object({ problems: list({ type: 'object' }, 'What is wrong with the documents.') }),
    },
    commands: [{ name: 'admin reload', problemsIn: 'problems' }],
    async run(_request, { directory }) {
      const problems = await directory.reload();
      return { status: 200, body: { problems }, change: { type: 'reloaded', details: { problems: problems.length } } };
    },
  },
  {
    name: 'listAdminTokens',
    serverWide: true,
    method: 'GET',
    path: '/tokens',
    summary: 'The tokens of the admin API, without their values.',
    permission: 'tokens',
    answer: { status: 200, schema: object({ items: list(tokenView, 'The tokens.') }) },
    commands: [{ name: 'admin tokens' }],
    columns: ['id', 'name', 'role', 'tenants', 'expiresAt'],
    run: async (_request, { store, now }) => ok({ items: (await store.adminTokens.list(now())).map(viewToken) }),
  },
  {
    name: 'createAdminToken',
    serverWide: true,
    method: 'POST',
    path: '/tokens',
    summary: 'Makes a token of the admin API, shown in this answer only.',
    permission: 'tokens',
    body: object(
      {
        name: text('Who gets it.', { minLength: 1, maxLength: 100 }),
        role: { enum: Object.keys(roles), description: 'What it may do.' },
        tenants: { ...list({ type: 'string' }, 'Limit it to these tenants.'), minItems: 1 },
        days: { type: 'integer', minimum: 1, maximum: 3650, default: 90, description: 'How long it lives.' },
      },
      ['name', 'role'],
    ),
    answer: {
      status: 201,
      schema: { ...tokenView, properties: { ...(tokenView['properties'] as object), token: text('Shown once.') } },
    },
    commands: [{ name: 'admin create-token' }],
    async run({ body }, { store, directory, now }) {
      const wanted = body as {
        readonly name: string;
        readonly role: Role;
        readonly tenants?: readonly string[];
        readonly days: number;
      };
      const unknown = wanted.tenants?.find((id) => !directory.byId(id));
      if (unknown !== undefined) return notFound('tenant', unknown);
      if (wanted.role === 'admin' && wanted.tenants)
        return refuse(400, 'admin-limited', 'The role admin is not limited to tenants.', { hint: 'Use manager.' });
      const secret = newHandle();
      const token: AdminToken = {
        id: newHandle(9),
        name: wanted.name,
        role: wanted.role,
        ...(wanted.tenants ? { tenants: wanted.tenants } : {}),
        createdAt: now(),
        expiresAt: now() + wanted.days * day,
      };
      await store.adminTokens.save({ ...token, hash: hashHandle(secret) });
      return {
        status: 201,
        body: { ...viewToken(token), token: secret },
        change: { type: 'token.created', details: { tokenId: token.id, role: token.role } },
      };
    },
  },
  {
    name: 'deleteAdminToken',
    serverWide: true,
    method: 'DELETE',
    path: '/tokens/{tokenId}',
    summary: 'Ends a token at once.',
    permission: 'tokens',
    answer: { status: 204 },
    commands: [{ name: 'admin delete-token' }],
    async run({ parameters, actor }, { store }) {
      const id = parameters['tokenId'] ?? '';
      if (id === actor.id)
        return refuse(409, 'token-own', 'A token does not end itself.', { hint: 'Use another one.' });
      if (!(await store.adminTokens.delete(id))) return notFound('token', id);
      return { status: 204, change: { type: 'token.deleted', details: { tokenId: id } } };
    },
  },
];
