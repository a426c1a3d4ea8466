/** The store's port in memory, for simulated runs: what the flows ask of it, by the same rules. */
import { StoreError } from '../store/error.ts';
import type {
  FlowRepository,
  KeyRepository,
  ProviderLink,
  SessionApp,
  Store,
  StoredAuthenticator,
  StoredFlow,
  StoredKey,
  StoredLaunch,
  StoredProviderSession,
  StoredSession,
  StoredToken,
} from '../store/store.ts';
import type { User } from '../tenant/tenant.ts';

/** A repository with what the flows ask of it. Should one ever ask for more, the run says for what. */
function partly<Repository extends object>(name: string, methods: Partial<Repository>): Repository {
  return new Proxy(methods, {
    get(known, method) {
      const found: unknown = Reflect.get(known, method);
      if (found !== undefined) return found;
      return async () => {
        throw new Error(`the simulator's store has no ${name}.${String(method)}`);
      };
    },
  }) as Repository;
}

function absent<Repository extends object>(name: string): Repository {
  return partly<Repository>(name, {});
}

/** Written by the same compare-and-set as the real ones. */
function flowsInMemory(flows: Map<string, StoredFlow>, handles: Map<string, string>): FlowRepository {
  const keep = (flow: StoredFlow, added: readonly { readonly kind: string; readonly hash: string }[]) => {
    flows.set(flow.id, structuredClone(flow));
    for (const { kind, hash } of added) handles.set(`${kind} ${hash}`, flow.id);
  };
  const owned = (tenantId: string, id = '') => {
    const flow = flows.get(id);
    return flow?.tenantId === tenantId ? structuredClone(flow) : undefined;
  };
  return {
    create: async (flow, added = []) => keep(flow, added),
    find: async (tenantId, id) => owned(tenantId, id),
    findByHandle: async (tenantId, kind, hash) => owned(tenantId, handles.get(`${kind} ${hash}`)),
    async advance(flow, expectedRevision, added = []) {
      if (flows.get(flow.id)?.revision !== expectedRevision) return false;
      keep(flow, added);
      return true;
    },
  };
}

/** Signing keys; these outlive a run, as making an RSA key takes longer than all the rest. */
export function keysInMemory(): KeyRepository {
  let keys: readonly StoredKey[] = [];
  const is = (tenantId: string, kid: string) => (key: StoredKey) => key.tenantId === tenantId && key.kid === kid;
  return {
    list: async (tenantId) => keys.filter((key) => key.tenantId === tenantId),
    async save(key) {
      if (keys.some(is(key.tenantId, key.kid))) throw new StoreError('conflict', 'This key exists.');
      keys = [...keys, key];
    },
    async activate(tenantId, kid) {
      const algorithm = keys.find(is(tenantId, kid))?.algorithm;
      keys = keys.map((key) =>
        key.tenantId === tenantId && key.algorithm === algorithm ? { ...key, active: key.kid === kid } : key,
      );
    },
    async deleteInactive(tenantId, kid) {
      const before = keys.length;
      keys = keys.filter((key) => key.active || !is(tenantId, kid)(key));
      return keys.length < before;
    },
  };
}

/** A store that forgets everything but its keys and settings when it is cleared. */
export interface StoreInMemory extends Store {
  clear(): void;
}

/** @param keys kept between runs. */
export function storeInMemory(keys: KeyRepository): StoreInMemory {
  const flows = new Map<string, StoredFlow>();
  const handles = new Map<string, string>();
  const tokens = new Map<string, StoredToken>();
  const sessions = new Map<string, StoredSession & { readonly apps: Map<string, SessionApp> }>();
  const users = new Map<string, User>();
  const failures = new Map<string, { readonly count: number; readonly lastAt: number }>();
  const links = new Map<string, ProviderLink & { readonly userId: string }>();
  const providerSessions = new Map<string, StoredProviderSession>();
  const launches = new Map<string, StoredLaunch>();
  const seen = new Set<string>();
  const approvals = new Map<string, { readonly scopes: readonly string[]; readonly expiresAt: number }>();
  const terms = new Map<string, { readonly version: string; readonly acceptedAt: number }>();
  const contexts = new Map<string, string>();
  const authenticators = new Map<string, StoredAuthenticator>();
  const settings = new Map<string, string>();

  function revoke(of: (token: StoredToken) => boolean, now: number): void {
    for (const [hash, token] of tokens)
      if (token.revokedAt === undefined && of(token)) tokens.set(hash, { ...token, revokedAt: now });
  }
  function endSession(idHash: string, now: number): readonly SessionApp[] | undefined {
    const session = sessions.get(idHash);
    if (!session) return undefined;
    sessions.delete(idHash);
    providerSessions.delete(idHash);
    revoke(({ sessionId }) => sessionId === idHash, now);
    return [...session.apps.values()];
  }
  const userBy = (is: (user: User) => boolean) => [...users.values()].find(is);
  function saveUser(user: User): void {
    const taken = ({ id, username, external }: User) =>
      id !== user.id &&
      (username === user.username ||
        (external !== undefined &&
          external.provider === user.external?.provider &&
          external.subject === user.external.subject));
    if (userBy(taken)) throw new StoreError('conflict', 'Another user has this username or this external identity.');
    users.set(user.id, user);
  }

  return {
    flows: flowsInMemory(flows, handles),
    keys,
    tokens: {
      async save(added) {
        for (const token of added) tokens.set(token.hash, structuredClone(token));
      },
      find: async (_tenantId, hash) => tokens.get(hash),
      async consume(_tenantId, hash, now) {
        const token = tokens.get(hash);
        if (token?.kind !== 'refresh' || token.usedAt !== undefined || token.revokedAt !== undefined) return false;
        if (token.expiresAt <= now) return false;
        tokens.set(hash, { ...token, usedAt: now });
        return true;
      },
      revoke: async (_tenantId, hash, now) => revoke((token) => token.hash === hash, now),
      revokeGrant: async (_tenantId, id, now) => revoke(({ grantId }) => grantId === id, now),
      revokeForUser: async (_tenantId, id, client, now) =>
        revoke(({ userId, clientId }) => userId === id && (client === undefined || clientId === client), now),
      listForUser: async (_tenantId, id, now) =>
        [...tokens.values()].filter(
          ({ userId, expiresAt, usedAt, revokedAt }) =>
            userId === id && expiresAt > now && usedAt === undefined && revokedAt === undefined,
        ),
      recordUses: async () => undefined,
    },
    sessions: partly<Store['sessions']>('sessions', {
      async save(session) {
        sessions.set(session.idHash, { ...structuredClone(session), apps: new Map() });
      },
      async find(_tenantId, idHash, now) {
        const session = sessions.get(idHash);
        return session && session.expiresAt > now ? session : undefined;
      },
      listForUser: async (_tenantId, id, now) =>
        [...sessions.values()].filter(({ userId, expiresAt }) => userId === id && expiresAt > now),
      async strengthen(_tenantId, idHash, proof) {
        const session = sessions.get(idHash);
        if (session) sessions.set(idHash, { ...session, proof });
        return session !== undefined;
      },
      async touch(_tenantId, idHash, now) {
        const session = sessions.get(idHash);
        if (session) sessions.set(idHash, { ...session, seenAt: now });
      },
      addApp: async (_tenantId, idHash, app) => void sessions.get(idHash)?.apps.set(app.clientId, app),
      end: async (_tenantId, idHash, now) => endSession(idHash, now),
      async endForUser(_tenantId, id, now, except) {
        const ended = [...sessions.values()].filter(({ userId, idHash }) => userId === id && idHash !== except);
        for (const { idHash } of ended) endSession(idHash, now);
        return ended.length;
      },
    }),
    users: partly<Store['users']>('users', {
      findByUsername: async (_tenantId, name) => userBy(({ username }) => username === name),
      findById: async (_tenantId, id) => users.get(id),
      findByEmail: async (_tenantId, address) =>
        [...users.values()].filter(({ email }) => email?.toLowerCase() === address.toLowerCase()),
      findByExternal: async (_tenantId, provider, subject) =>
        userBy(({ external }) => external?.provider === provider && external.subject === subject) ??
        users.get(links.get(`${provider} ${subject}`)?.userId ?? ''),
      save: async (_tenantId, user) => saveUser(user),
      async change(_tenantId, id, edit) {
        const user = users.get(id);
        if (user) saveUser(edit(user));
        return users.get(id);
      },
      delete: async (_tenantId, id) => void users.delete(id),
      list: async () => [...users.values()],
      async recordLogin(_tenantId, username, success, now) {
        const count = success ? 0 : (failures.get(username)?.count ?? 0) + 1;
        failures.set(username, { count, lastAt: success ? 0 : now });
        return count;
      },
      failures: async (_tenantId, username) => failures.get(username) ?? { count: 0, lastAt: 0 },
    }),
    // Clients and providers are those of the tenant's document.
    clients: partly<Store['clients']>('clients', { find: async () => undefined, list: async () => [] }),
    providers: partly<Store['providers']>('providers', { find: async () => undefined, list: async () => [] }),
    providerLinks: {
      async add(_tenantId, userId, { provider, subject }, now) {
        const key = `${provider} ${subject}`;
        const taken = [...links.values()].some((link) => link.userId === userId && link.provider === provider);
        if (taken || links.has(key)) return false;
        links.set(key, { provider, subject, userId, linkedAt: now });
        return true;
      },
      listForUser: async (_tenantId, id) => [...links.values()].filter(({ userId }) => userId === id),
      async delete(_tenantId, id, provider) {
        const link = [...links.values()].find((each) => each.userId === id && each.provider === provider);
        return link !== undefined && links.delete(`${link.provider} ${link.subject}`);
      },
    },
    providerSessions: {
      save: async (session) => void providerSessions.set(session.sessionIdHash, session),
      find: async (_tenantId, idHash) => providerSessions.get(idHash),
      async claim(_tenantId, idHash, checkedAt, now) {
        const session = providerSessions.get(idHash);
        if (session?.checkedAt !== checkedAt) return false;
        providerSessions.set(idHash, { ...session, checkedAt: now });
        return true;
      },
      async reseal(_tenantId, idHash, sealed) {
        const session = providerSessions.get(idHash);
        if (session) providerSessions.set(idHash, { ...session, sealed });
      },
      async take(_tenantId, idHash) {
        const session = providerSessions.get(idHash);
        providerSessions.delete(idHash);
        return session;
      },
      takeEnded: async () => [],
      async takeForUser(_tenantId, id, provider) {
        const taken = [...providerSessions.values()].filter((each) => each.userId === id && each.provider === provider);
        for (const { sessionIdHash } of taken) providerSessions.delete(sessionIdHash);
        return taken;
      },
      listForUser: async (_tenantId, id, provider) =>
        [...providerSessions.values()].filter((each) => each.userId === id && each.provider === provider),
    },
    replays: {
      async remember(_tenantId, space, value) {
        const key = `${space} ${value}`;
        return !seen.has(key) && seen.add(key) === seen;
      },
    },
    launches: {
      save: async (launch) => void launches.set(launch.hash, launch),
      async take(_tenantId, hash, now) {
        const launch = launches.get(hash);
        if (!launch || launch.expiresAt <= now) return undefined;
        launches.delete(hash);
        return launch;
      },
      async find(_tenantId, hash, now) {
        const launch = launches.get(hash);
        return launch && launch.expiresAt > now ? launch : undefined;
      },
    },
    consents: partly<Store['consents']>('consents', {
      find: async (_tenantId, userId, clientId) => approvals.get(`${userId} ${clientId}`),
      save: async (_tenantId, userId, clientId, scopes, expiresAt) =>
        void approvals.set(`${userId} ${clientId}`, { scopes, expiresAt }),
      findTerms: async (_tenantId, userId, clientId) => terms.get(`${userId} ${clientId}`),
      saveTerms: async (_tenantId, userId, clientId, version, now) =>
        void terms.set(`${userId} ${clientId}`, { version, acceptedAt: now }),
    }),
    rememberedContexts: partly<Store['rememberedContexts']>('rememberedContexts', {
      find: async ({ userId, clientId, kind }) => contexts.get(`${userId} ${clientId} ${kind}`),
      save: async ({ userId, clientId, kind }, resourceId) =>
        void contexts.set(`${userId} ${clientId} ${kind}`, resourceId),
    }),
    secondFactors: partly<Store['secondFactors']>('secondFactors', {
      async find(_tenantId, userId) {
        const authenticator = authenticators.get(userId);
        return { ...(authenticator ? { authenticator } : {}), passkeys: 0, recoveryCodes: 0, devices: 0 };
      },
      async enrol(_tenantId, userId, authenticator) {
        if (authenticators.has(userId)) return false;
        authenticators.set(userId, authenticator);
        return true;
      },
      listPasskeys: async () => [],
      findPasskey: async () => undefined,
      failures: async () => ({ count: 0, lastAt: 0 }),
      claimAttempt: async () => true,
      clearFailures: async () => undefined,
      knowsDevice: async () => false,
      rememberDevice: async () => undefined,
    }),
    registrations: absent('registrations'),
    // The version that runs is the one of the tenant's files.
    scripts: partly<Store['scripts']>('scripts', {
      add: async () => true,
      rollouts: async () => new Map(),
    }),
    replacedSecrets: { find: async () => () => undefined, save: async () => undefined },
    // Nobody's sessions end here; production's composition looks every now and then, which a long run lives to see.
    logoutNotices: partly<Store['logoutNotices']>('logoutNotices', { take: async () => [] }),
    mailedLinks: absent('mailedLinks'),
    audit: absent('audit'),
    traces: absent('traces'),
    adminTokens: absent('adminTokens'),
    scriptValues: absent('scriptValues'),
    clear() {
      for (const held of [flows, handles, tokens, sessions, users, failures, links, providerSessions]) held.clear();
      for (const held of [launches, seen, approvals, terms, contexts, authenticators]) held.clear();
    },
    setting: async (name) => settings.get(name),
    setSetting: async (name, value) => void settings.set(name, value),
    sweep: async () => undefined,
    ping: async () => undefined,
    close: async () => undefined,
  };
}
