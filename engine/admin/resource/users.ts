/** The tenant's people. Those of the tenant document were brought into the store once and live there. */
import { failureName, owningModule } from '../../identity/module.ts';
import { lockedFor } from '../../identity/password-log-in.ts';
import { checkPassword, hashPassword, withPassword } from '../../identity/password.ts';
import { isRequiredFor } from '../../identity/strength.ts';
import { newHandle } from '../../store/secret.ts';
import type { UserDocument } from '../../tenant/document.ts';
import type { Tenant, User } from '../../tenant/tenant.ts';
import { mergePatch } from '../merge-patch.ts';
import { cut } from '../paging.ts';
import { invalid, notFound, refuse } from '../problem.ts';
import { ok, type Result, type Services, type TenantRequest, type TenantRoute } from '../route.ts';
import { page, pageQuery, patchOf, passwordBody, secondFactorView, text, userBody, userView } from '../schema.ts';
import { checkBody } from '../validate-body.ts';
import { changedMembers } from './clients.ts';

type UserBody = Omit<UserDocument, 'password' | 'passwordHash'> & { readonly password?: string };

type Secret = 'passwordHash' | 'passwordHistory' | 'passwordChangedAt';

function view({ passwordHash, passwordHistory: _history, passwordChangedAt, ...rest }: User, locks: object = {}) {
  return {
    ...rest,
    hasPassword: passwordHash !== undefined,
    ...(passwordChangedAt === undefined ? {} : { passwordChangedAt: new Date(passwordChangedAt).toISOString() }),
    ...locks,
  };
}

/** What failed log-ins mean for the account now. */
function locksOf({ count, lastAt }: { readonly count: number; readonly lastAt: number }, now: number): object {
  const until = lastAt + lockedFor(count);
  return { failedLogins: count, ...(until > now ? { lockedUntil: new Date(until).toISOString() } : {}) };
}

function bodyOf(user: User): UserBody {
  const { passwordHash: _hash, passwordHistory: _history, passwordChangedAt: _at, external: _external, ...rest } = user;
  return rest as unknown as UserBody;
}

/** What a body cannot say, the person's password and foreign identity, comes from `kept`. */
function toUser(body: UserBody, id: string, kept: Partial<Pick<User, Secret | 'external'>>): User {
  const { password: _password, ...rest } = body;
  return {
    ...(rest as unknown as User),
    id,
    ...(kept.passwordHash === undefined ? {} : { passwordHash: kept.passwordHash }),
    ...(kept.passwordHistory === undefined ? {} : { passwordHistory: kept.passwordHistory }),
    ...(kept.passwordChangedAt === undefined ? {} : { passwordChangedAt: kept.passwordChangedAt }),
    ...(kept.external ? { external: kept.external } : {}),
  };
}

const sentences = {
  'too-short': 'it has too few characters',
  'too-long': 'it is too long',
  'too-weak': 'it is too easy to guess',
  breached: 'it is on the list of breached passwords',
  'names-you': 'it holds a name or the mail address of the person',
  'used-before': 'the person had it before',
} as const;

/** The hash of a password that the tenant's rules allow, or the answer that says why they do not. */
async function hashAllowed(tenant: Tenant, user: User, password: string) {
  const faults = await checkPassword(tenant.passwords, user, password);
  if (faults.length === 0) return { passwordHash: await hashPassword(password, tenant.passwords) };
  return refuse(
    400,
    'password-refused',
    `The password may not be set: ${faults.map((one) => sentences[one]).join('; ')}.`,
    {
      hint: 'See `passwords` in the tenant document.',
    },
  );
}

/** Ends everything that goes on in the person's name, at once. */
async function endAccess({ store, notifyApps, now }: Services, tenantId: string, userId: string): Promise<void> {
  await store.sessions.endForUser(tenantId, userId, now());
  await store.tokens.revokeForUser(tenantId, userId, undefined, now());
  await store.secondFactors.forgetDevices(tenantId, userId);
  notifyApps();
}

async function edit(request: TenantRequest, services: Services, next: (body: UserBody) => UserBody): Promise<Result> {
  const { tenant, parameters } = request;
  const { store } = services;
  const id = parameters['userId'] ?? '';
  const known = await store.users.findById(tenant.id, id);
  if (!known) return notFound('user', id);
  // Hashing takes its time by design, so it is done outside the transaction.
  const { password } = next(bodyOf(known));
  const owner = owningModule(known);
  if (password !== undefined && owner !== undefined)
    return refuse(409, 'password-elsewhere', `The log-in module ${owner} checks the password of ${known.username}.`, {
      hint: 'Change it there.',
    });
  const hashed = typeof password === 'string' ? await hashAllowed(tenant, known, password) : undefined;
  if (hashed && 'problem' in hashed) return hashed;
  let refused: ReturnType<typeof refuse> | undefined;
  let members: readonly string[] = [];
  const user = await store.users.change(tenant.id, id, (current) => {
    const body = next(bodyOf(current));
    const problems = checkBody(userBody, body);
    if (problems.length > 0) refused = invalid(problems);
    else if (body.id !== undefined && body.id !== id)
      refused = refuse(400, 'user-id-fixed', 'The id of a user does not change.', { hint: 'Leave id out.' });
    if (refused) return current;
    const edited = toUser(body, id, current);
    const changed = hashed
      ? withPassword(edited, hashed.passwordHash, tenant.passwords, services.now(), edited.mustChangePassword)
      : edited;
    members = [...changedMembers(bodyOf(current), bodyOf(changed)), ...(password === undefined ? [] : ['password'])];
    return changed;
  });
  if (refused) return refused;
  if (!user) return notFound('user', id);
  // Whoever changes a password may do so because somebody else knows it.
  if (!user.enabled || password !== undefined) await endAccess(services, tenant.id, id);
  return {
    status: 200,
    body: view(user),
    change: {
      type: 'user.changed',
      userId: id,
      details: { members },
    },
  };
}

const onUser = '/tenants/{tenant}/users/{userId}';

export const userRoutes: readonly TenantRoute[] = [
  {
    name: 'listUsers',
    method: 'GET',
    path: '/tenants/{tenant}/users',
    summary: 'The people of a tenant, in the order of their usernames.',
    permission: 'read',
    query: { ...pageQuery, search: text('Part of the username, names or mail address, in any case.') },
    answer: { status: 200, schema: page(userView) },
    commands: [{ name: 'user list' }],
    columns: ['id', 'username', 'givenName', 'familyName', 'enabled'],
    async run({ tenant, query }, { store }) {
      const limit = Number(query['limit']);
      const found = await store.users.list(tenant.id, {
        limit: limit + 1,
        ...(query['search'] === undefined ? {} : { search: query['search'] }),
        ...(query['after'] === undefined ? {} : { after: query['after'] }),
      });
      const shown = cut(found, (user) => user.username, limit);
      return ok({ ...shown, items: shown.items.map((user) => view(user)) });
    },
  },
  {
    name: 'createUser',
    method: 'POST',
    path: '/tenants/{tenant}/users',
    summary: 'Adds a person.',
    permission: 'manage',
    body: userBody,
    answer: { status: 201, schema: userView },
    commands: [{ name: 'user create' }],
    async run({ tenant, body }, { store, now }) {
      const wanted = body as UserBody;
      const id = wanted.id ?? newHandle(12);
      if (await store.users.findById(tenant.id, id))
        return refuse(409, 'conflict', `There is a user with the id ${id} already.`);
      const bare = toUser(wanted, id, {});
      const hashed = wanted.password === undefined ? undefined : await hashAllowed(tenant, bare, wanted.password);
      if (hashed && 'problem' in hashed) return hashed;
      const user = hashed
        ? withPassword(bare, hashed.passwordHash, tenant.passwords, now(), bare.mustChangePassword)
        : bare;
      await store.users.save(tenant.id, user);
      return { status: 201, body: view(user), change: { type: 'user.created', userId: id } };
    },
  },
  {
    name: 'getUser',
    method: 'GET',
    path: onUser,
    summary: 'One person.',
    permission: 'read',
    answer: { status: 200, schema: userView },
    commands: [{ name: 'user show' }],
    async run({ tenant, parameters }, { store, now }) {
      const id = parameters['userId'] ?? '';
      const user = await store.users.findById(tenant.id, id);
      if (!user) return notFound('user', id);
      return ok(view(user, locksOf(await store.users.failures(tenant.id, failureName(tenant, user.username)), now())));
    },
  },
  {
    name: 'replaceUser',
    method: 'PUT',
    path: onUser,
    summary: 'Replaces what is known of a person; the password stays unless one is given.',
    permission: 'manage',
    body: userBody,
    answer: { status: 200, schema: userView },
    commands: [],
    run: (request, services) => edit(request, services, () => request.body as UserBody),
  },
  {
    name: 'changeUser',
    method: 'PATCH',
    path: onUser,
    summary: 'Changes some members (JSON Merge Patch, RFC 7396). Disabling a person ends sessions and tokens at once.',
    permission: 'manage',
    body: patchOf(userBody),
    answer: { status: 200, schema: userView },
    commands: [
      { name: 'user edit' },
      { name: 'user enable', summary: 'Lets a person log in again.', body: { enabled: true } },
      {
        name: 'user disable',
        summary: 'Ends sessions and tokens of a person, who cannot log in any more.',
        body: { enabled: false },
      },
    ],
    run: (request, services) => edit(request, services, (before) => mergePatch(before, request.body) as UserBody),
  },
  {
    name: 'deleteUser',
    method: 'DELETE',
    path: onUser,
    summary: 'Takes a person away, with sessions, tokens, approvals and terms agreements.',
    permission: 'manage',
    answer: { status: 204 },
    commands: [{ name: 'user delete' }],
    async run({ tenant, parameters }, services) {
      const { store } = services;
      const id = parameters['userId'] ?? '';
      const user = await store.users.findById(tenant.id, id);
      if (!user) return notFound('user', id);
      if (tenant.users.some((seeded) => seeded.username === user.username))
        return refuse(409, 'user-configured', `The tenant document names ${user.username} and would bring it back.`, {
          hint: 'Disable the user, or take it out of tenant.json first.',
        });
      await store.users.delete(tenant.id, id);
      await endAccess(services, tenant.id, id);
      for (const { clientId } of await store.consents.listForUser(tenant.id, id, 0))
        await store.consents.delete(tenant.id, id, clientId);
      await store.rememberedContexts.delete(tenant.id, id);
      return { status: 204, change: { type: 'user.deleted', userId: id } };
    },
  },
  {
    name: 'setUserPassword',
    method: 'PUT',
    path: `${onUser}/password`,
    summary: 'Sets a password and ends the sessions and tokens of the person.',
    permission: 'manage',
    body: passwordBody,
    answer: { status: 204 },
    commands: [{ name: 'user set-password' }],
    async run(request, services) {
      const { password } = request.body as { readonly password: string };
      const result = await edit(request, services, (before) => ({ ...before, password }));
      if ('problem' in result) return result;
      return { status: 204, change: { type: 'user.password-set', userId: request.parameters['userId'] ?? '' } };
    },
  },
  {
    name: 'getSecondFactor',
    method: 'GET',
    path: `${onUser}/second-factor`,
    summary: 'What a person proves at log-in besides the password. No secret is shown to anybody.',
    permission: 'read',
    answer: { status: 200, schema: secondFactorView },
    commands: [{ name: 'user second-factor' }],
    async run({ tenant, parameters }, { store, now }) {
      const id = parameters['userId'] ?? '';
      const user = await store.users.findById(tenant.id, id);
      if (!user) return notFound('user', id);
      const { authenticator, passkeys, recoveryCodes, devices } = await store.secondFactors.find(tenant.id, id, now());
      const { count, lastAt } = await store.secondFactors.failures(tenant.id, id);
      const until = lastAt + lockedFor(count);
      return ok({
        enrolled: authenticator !== undefined || passkeys > 0,
        required: isRequiredFor(tenant.secondFactor, user.authorities),
        ...(authenticator ? { authenticatorSince: new Date(authenticator.enrolledAt).toISOString() } : {}),
        passkeys,
        recoveryCodes,
        rememberedDevices: devices,
        wrongCodes: count,
        ...(until > now() ? { lockedUntil: new Date(until).toISOString() } : {}),
      });
    },
  },
  {
    name: 'resetSecondFactor',
    method: 'DELETE',
    path: `${onUser}/second-factor`,
    summary:
      'Takes the second factor of a person away, with recovery codes and remembered devices, and ends sessions and tokens: for who lost the phone. Where one is required, the next log-in sets up another.',
    permission: 'manage',
    answer: { status: 204 },
    commands: [{ name: 'user reset-second-factor' }],
    async run({ tenant, parameters }, services) {
      const { store } = services;
      const id = parameters['userId'] ?? '';
      const user = await store.users.findById(tenant.id, id);
      if (!user) return notFound('user', id);
      await store.secondFactors.remove(tenant.id, id);
      await store.secondFactors.clearFailures(tenant.id, id);
      await endAccess(services, tenant.id, id);
      return { status: 204, change: { type: 'user.second-factor-reset', userId: id } };
    },
  },
  {
    name: 'unlockUser',
    method: 'POST',
    path: `${onUser}/unlock`,
    summary: 'Forgets failed log-ins and wrong codes, so that the person may try again at once.',
    permission: 'manage',
    answer: { status: 204 },
    commands: [{ name: 'user unlock' }],
    async run({ tenant, parameters }, { store, now }) {
      const id = parameters['userId'] ?? '';
      const user = await store.users.findById(tenant.id, id);
      if (!user) return notFound('user', id);
      await store.users.recordLogin(tenant.id, failureName(tenant, user.username), true, now());
      await store.secondFactors.clearFailures(tenant.id, id);
      return { status: 204, change: { type: 'user.unlocked', userId: id } };
    },
  },
];
