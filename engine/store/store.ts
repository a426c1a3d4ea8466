/**
 * What the engine asks of its storage: one repository per aggregate. `flow` sees only these interfaces.
 * Every handle (code, token, cookie, launch) reaches the store as its SHA-256 hash; instants are epoch milliseconds.
 */
import type { Authority, Client, Provider, User } from '../tenant/tenant.ts';

export interface StoredFlow {
  readonly id: string;
  readonly tenantId: string;
  readonly flow: string;
  readonly state: string;
  /** Grows by one with each transition; `advance` compares it. */
  readonly revision: number;
  readonly facts: unknown;
  readonly trace: unknown;
  readonly expiresAt: number;
}

export interface FlowRepository {
  create(flow: StoredFlow, handles?: readonly { readonly kind: string; readonly hash: string }[]): Promise<void>;
  find(tenantId: string, id: string): Promise<StoredFlow | undefined>;
  /** Finds the flow that a hashed handle (`code`, `state`) names. */
  findByHandle(tenantId: string, kind: string, hash: string): Promise<StoredFlow | undefined>;
  /**
   * Compare-and-set: writes the flow only if the stored revision is `expectedRevision`. False when another one was first.
   * New handles are added in the same transaction.
   */
  advance(
    flow: StoredFlow,
    expectedRevision: number,
    handles?: readonly { readonly kind: string; readonly hash: string }[],
  ): Promise<boolean>;
}

export interface StoredToken {
  readonly hash: string;
  readonly tenantId: string;
  readonly kind: 'access' | 'refresh';
  /** All tokens that descend from one authorization share a grant; revoking the grant ends them all. */
  readonly grantId: string;
  readonly clientId: string;
  readonly userId?: string;
  readonly sessionId?: string;
  readonly scope: string;
  /** Everything introspection, userinfo and refresh need later. */
  readonly details: Readonly<Record<string, unknown>>;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly revokedAt?: number;
  readonly usedAt?: number;
  /** When its grant was last used; only `listForUser` tells, coarsely. */
  readonly lastUsedAt?: number;
}

/** That an app used what a person gave it. */
export interface GrantUse {
  readonly tenantId: string;
  readonly grantId: string;
  readonly usedAt: number;
}

export interface TokenRepository {
  /** Stores all or none. Concurrent calls may be written in one statement. Resolves once durable. */
  save(tokens: readonly StoredToken[]): Promise<void>;
  find(tenantId: string, hash: string): Promise<StoredToken | undefined>;
  /** Marks a refresh token used exactly once: true for the first caller only. */
  consume(tenantId: string, hash: string, now: number): Promise<boolean>;
  revoke(tenantId: string, hash: string, now: number): Promise<void>;
  revokeGrant(tenantId: string, grantId: string, now: number): Promise<void>;
  /** Revokes all grants of a user for one client, or for every client. */
  revokeForUser(tenantId: string, userId: string, clientId: string | undefined, now: number): Promise<void>;
  listForUser(tenantId: string, userId: string, now: number): Promise<readonly StoredToken[]>;
  /** Keeps the latest use of each grant. */
  recordUses(uses: readonly GrantUse[]): Promise<void>;
}

/** Which kind of browser on which kind of system, and no more. */
export interface Device {
  readonly browser?: string;
  readonly system?: string;
}

export interface StoredSession {
  readonly idHash: string;
  readonly tenantId: string;
  readonly userId: string;
  readonly authenticatedAt: number;
  readonly expiresAt: number;
  /** When the person last came with it, coarsely. */
  readonly seenAt?: number;
  readonly device?: Device;
  /** What the person proved; nothing is known of sessions older than this. */
  readonly proof?: Proof;
  /** The user session as `onAuthenticateSuccess` left it. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** How a person proved who they are. */
export interface Proof {
  /** Authentication method references (RFC 8176); `mfa` where it took several factors. */
  readonly amr: readonly string[];
  /** The foreign provider they came from. */
  readonly provider?: string;
  /** The device was remembered, so that no second factor was asked for. */
  readonly device?: boolean;
}

export interface SessionRepository {
  save(session: StoredSession): Promise<void>;
  find(tenantId: string, idHash: string, now: number): Promise<StoredSession | undefined>;
  /** Newest first. */
  listForUser(tenantId: string, userId: string, now: number): Promise<readonly StoredSession[]>;
  /** Notes that the person came with it. */
  touch(tenantId: string, idHash: string, now: number): Promise<void>;
  /** Notes what else the person has proved. False where the session has ended. */
  strengthen(tenantId: string, idHash: string, proof: Proof, now: number): Promise<boolean>;
  /** Notes that an app logs somebody in with it; nothing where the session has ended. */
  addApp(tenantId: string, idHash: string, app: SessionApp): Promise<void>;
  /**
   * Ends a session in one step: it is gone, the tokens bound to it are revoked, each of its apps has a log-out notice
   * waiting, and what it kept of its provider waits for `takeEnded`. Answers the apps; undefined when there is no such
   * session, so that of two calls only one ends it.
   */
  end(tenantId: string, idHash: string, now: number): Promise<readonly SessionApp[] | undefined>;
  /** The same for all sessions of a person but one. Answers how many there were. */
  endForUser(tenantId: string, userId: string, now: number, exceptIdHash?: string): Promise<number>;
}

/** An app that logs somebody in with a session, and what it calls them. */
export interface SessionApp {
  readonly clientId: string;
  readonly subject: string;
}

/** What an app must still be told: a session it logged somebody in with has ended. */
export interface LogoutNotice extends SessionApp {
  readonly tenantId: string;
  readonly id: string;
  readonly sessionIdHash: string;
  readonly userId: string;
  /** With the one that it was taken for. */
  readonly attempts: number;
}

export interface LogoutNoticeRepository {
  /**
   * Takes notices that are due, for one attempt each; no other node gets them before `leaseUntil`.
   * @param limit how many at most.
   */
  take(now: number, leaseUntil: number, limit: number): Promise<readonly LogoutNotice[]>;
  /** To be tried again then. */
  postpone(notice: Pick<LogoutNotice, 'tenantId' | 'id'>, until: number): Promise<void>;
  /** Told, or given up. */
  remove(notice: Pick<LogoutNotice, 'tenantId' | 'id'>): Promise<void>;
}

/** An account at a foreign provider that its owner linked with the one here. */
export interface ProviderLink {
  readonly provider: string;
  readonly subject: string;
  readonly linkedAt: number;
}

export interface ProviderLinkRepository {
  /** False when the account there is linked already, or the person has one of this provider. */
  add(
    tenantId: string,
    userId: string,
    account: { readonly provider: string; readonly subject: string },
    now: number,
  ): Promise<boolean>;
  listForUser(tenantId: string, userId: string): Promise<readonly ProviderLink[]>;
  /** False when there is none. */
  delete(tenantId: string, userId: string, provider: string): Promise<boolean>;
}

/** What a session that began at a provider keeps for its end there. */
export interface StoredProviderSession {
  readonly tenantId: string;
  readonly sessionIdHash: string;
  readonly provider: string;
  readonly userId: string;
  /** The provider's tokens, encrypted by the master key. */
  readonly sealed: string;
  /** When the provider last said that the person may be logged in. */
  readonly checkedAt: number;
  readonly expiresAt: number;
}

export interface ProviderSessionRepository {
  save(session: StoredProviderSession): Promise<void>;
  find(tenantId: string, sessionIdHash: string): Promise<StoredProviderSession | undefined>;
  /** Compare-and-set of `checkedAt`: true for the one caller who is to ask the provider. */
  claim(tenantId: string, sessionIdHash: string, checkedAt: number, now: number): Promise<boolean>;
  reseal(tenantId: string, sessionIdHash: string, sealed: string): Promise<void>;
  /** Takes it away and answers it: the provider is told once. */
  take(tenantId: string, sessionIdHash: string): Promise<StoredProviderSession | undefined>;
  /** Takes what sessions of any tenant that ended left behind, each once. */
  takeEnded(limit: number): Promise<readonly StoredProviderSession[]>;
  takeForUser(tenantId: string, userId: string, provider: string): Promise<readonly StoredProviderSession[]>;
  listForUser(tenantId: string, userId: string, provider: string): Promise<readonly StoredProviderSession[]>;
}

export interface UserRepository {
  findByUsername(tenantId: string, username: string): Promise<User | undefined>;
  findById(tenantId: string, id: string): Promise<User | undefined>;
  /** In any case of its letters. Several people may share an address. */
  findByEmail(tenantId: string, email: string): Promise<readonly User[]>;
  /** Whoever came from there at their first log-in, or linked that account with their own. */
  findByExternal(tenantId: string, provider: string, subject: string): Promise<User | undefined>;
  /** Creates or replaces by `id`. Rejects with code `conflict` when the username belongs to another id. */
  save(tenantId: string, user: User): Promise<void>;
  /** Reads, edits and writes in one transaction, so that no concurrent edit is lost. Undefined when there is no such user. */
  change(tenantId: string, id: string, edit: (user: User) => User): Promise<User | undefined>;
  delete(tenantId: string, id: string): Promise<void>;
  /** In the order of their usernames; `after` is the last username of the page before. */
  list(
    tenantId: string,
    options?: { readonly search?: string; readonly after?: string; readonly limit?: number },
  ): Promise<readonly User[]>;
  /** One stored password hash of each scheme and cost that people of the tenant have; a few at most. */
  hashesByCost(tenantId: string): Promise<readonly string[]>;
  /** Adds one failed log-in; `success` clears them. Answers the failures since the last success. */
  recordLogin(tenantId: string, username: string, success: boolean, now: number): Promise<number>;
  failures(tenantId: string, username: string): Promise<{ readonly count: number; readonly lastAt: number }>;
}

export interface ClientRepository {
  find(tenantId: string, clientId: string): Promise<Client | undefined>;
  save(tenantId: string, client: Client): Promise<void>;
  /** Rejects with code `conflict` when there is one already. */
  create(tenantId: string, client: Client): Promise<void>;
  /** Reads, edits and writes in one transaction, so that no concurrent edit is lost. Undefined when there is no such client. */
  change(tenantId: string, clientId: string, edit: (client: Client) => Client): Promise<Client | undefined>;
  delete(tenantId: string, clientId: string): Promise<void>;
  list(tenantId: string): Promise<readonly Client[]>;
}

export interface ProviderRepository {
  find(tenantId: string, id: string): Promise<Provider | undefined>;
  save(tenantId: string, provider: Provider): Promise<void>;
  /** Rejects with code `conflict` when there is one already. */
  create(tenantId: string, provider: Provider): Promise<void>;
  /** As for clients. */
  change(tenantId: string, id: string, edit: (provider: Provider) => Provider): Promise<Provider | undefined>;
  delete(tenantId: string, id: string): Promise<void>;
  list(tenantId: string): Promise<readonly Provider[]>;
}

export interface ReplayRepository {
  /** True the first time a value is seen in its space before `expiresAt`, on any node. */
  remember(tenantId: string, space: string, value: string, expiresAt: number): Promise<boolean>;
}

export interface StoredLaunch {
  readonly hash: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly username: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly expiresAt: number;
}

export interface LaunchRepository {
  save(launch: StoredLaunch): Promise<void>;
  /** Takes the handle away and answers it: single use even between nodes. */
  take(tenantId: string, hash: string, now: number): Promise<StoredLaunch | undefined>;
  find(tenantId: string, hash: string, now: number): Promise<StoredLaunch | undefined>;
}

/** A link that was sent by mail. */
export interface MailedLink {
  readonly tenantId: string;
  readonly hash: string;
  readonly purpose: 'password-reset';
  readonly userId: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly expiresAt: number;
}

export interface MailedLinkRepository {
  save(link: MailedLink): Promise<void>;
  find(tenantId: string, purpose: MailedLink['purpose'], hash: string, now: number): Promise<MailedLink | undefined>;
  /** Takes the link away and answers it: single use even between nodes. */
  take(tenantId: string, purpose: MailedLink['purpose'], hash: string, now: number): Promise<MailedLink | undefined>;
  deleteForUser(tenantId: string, purpose: MailedLink['purpose'], userId: string): Promise<void>;
}

/**
 * An account that somebody asked for. It reserves neither its mail address nor its user name before the address is
 * proven, so nobody can keep what is not theirs.
 */
export interface StoredRegistration {
  readonly tenantId: string;
  readonly id: string;
  /** `pending` waits for an administrator. `done` stays for a while, so that a form sent twice is answered as the first. */
  readonly state: 'mailed' | 'pending' | 'done';
  /** SHA-256 of the handle that was sent by mail. */
  readonly linkHash: string;
  /** In small letters. */
  readonly email: string;
  readonly username?: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly createdAt: number;
  readonly expiresAt: number;
}

export interface RegistrationRepository {
  /** Keeps nothing when so many wait for the same address already, or one of them for an administrator. */
  add(registration: StoredRegistration, most: number, now: number): Promise<'added' | 'too-many' | 'pending'>;
  findByLink(tenantId: string, linkHash: string, now: number): Promise<StoredRegistration | undefined>;
  /**
   * Makes the account, once; all that waited for its address is over with it. `gone` when the link is.
   * @param times.pendingUntil where an administrator decides: it then waits with `details`, and no account is made yet.
   */
  complete(
    registration: Pick<StoredRegistration, 'tenantId' | 'linkHash'>,
    user: User & { readonly email: string },
    details: Readonly<Record<string, unknown>>,
    times: { readonly now: number; readonly keptUntil: number; readonly pendingUntil?: number },
  ): Promise<'created' | 'pending' | 'done' | 'gone' | 'email-known' | 'username-taken'>;
  /** Those that wait for an administrator, the oldest first; `after` is the last id of the page before. */
  listPending(
    tenantId: string,
    page: { readonly after?: string; readonly limit: number },
    now: number,
  ): Promise<readonly StoredRegistration[]>;
  findPending(tenantId: string, id: string, now: number): Promise<StoredRegistration | undefined>;
  /** Makes the account of one that waits for an administrator, once. */
  approve(
    tenantId: string,
    id: string,
    user: User & { readonly email: string },
    times: { readonly now: number; readonly keptUntil: number },
  ): Promise<'created' | 'gone' | 'email-known' | 'username-taken'>;
  /** Takes one that waits for an administrator away and answers it. */
  refuse(tenantId: string, id: string, now: number): Promise<StoredRegistration | undefined>;
  /** Forgets one whose link was not used. */
  discard(tenantId: string, linkHash: string): Promise<void>;
}

/** The secret of a person's authenticator app (RFC 6238), encrypted by the master key. */
export interface StoredAuthenticator {
  readonly sealedSecret: string;
  /** The latest time step whose code was used. */
  readonly lastStep: number;
  readonly enrolledAt: number;
}

/** A passkey: the public key, and what is known of the authenticator that has the private one. */
export interface StoredPasskey {
  /** Base64url. */
  readonly credentialId: string;
  readonly userId: string;
  /** COSE, base64url. */
  readonly publicKey: string;
  /** Of the authenticator; it grows with each use, or is always 0. */
  readonly counter: number;
  /** Whether it may be on several devices. */
  readonly synced: boolean;
  readonly transports: readonly string[];
  /** Where it was made. */
  readonly device: Device;
  readonly createdAt: number;
  readonly lastUsedAt?: number;
}

export interface SecondFactorState {
  readonly authenticator?: StoredAuthenticator;
  /** How many there are. */
  readonly passkeys: number;
  /** How many are left. */
  readonly recoveryCodes: number;
  /** How many are remembered. */
  readonly devices: number;
}

export interface RememberedDevice {
  readonly tenantId: string;
  readonly hash: string;
  readonly userId: string;
  readonly rememberedAt: number;
  readonly expiresAt: number;
}

export interface SecondFactorRepository {
  find(tenantId: string, userId: string, now: number): Promise<SecondFactorState>;
  /** Keeps authenticator and recovery codes together; false where the person has an authenticator already. */
  enrol(
    tenantId: string,
    userId: string,
    authenticator: StoredAuthenticator,
    codeHashes: readonly string[],
  ): Promise<boolean>;
  /** True once for each step, and never for one before. */
  useStep(tenantId: string, userId: string, step: number): Promise<boolean>;
  /** True once. */
  useRecoveryCode(tenantId: string, userId: string, hash: string): Promise<boolean>;
  /** False where there is one of this id in the tenant already. */
  addPasskey(tenantId: string, passkey: StoredPasskey): Promise<boolean>;
  findPasskey(tenantId: string, credentialId: string): Promise<StoredPasskey | undefined>;
  /** Oldest first. */
  listPasskeys(tenantId: string, userId: string): Promise<readonly StoredPasskey[]>;
  /** Compare-and-set of the counter: of two uses of one count only one is good. */
  usePasskey(
    tenantId: string,
    credentialId: string,
    counterBefore: number,
    counter: number,
    now: number,
  ): Promise<boolean>;
  /** False where it is not the person's. */
  removePasskey(tenantId: string, userId: string, credentialId: string): Promise<boolean>;
  replaceRecoveryCodes(tenantId: string, userId: string, hashes: readonly string[]): Promise<void>;
  /** Forgets all of it, remembered devices too. False where there is nothing. */
  remove(tenantId: string, userId: string): Promise<boolean>;
  failures(tenantId: string, userId: string): Promise<{ readonly count: number; readonly lastAt: number }>;
  /** Counts one more failure if there were so many before: of callers at one time only one may go on. */
  claimAttempt(tenantId: string, userId: string, failuresBefore: number, now: number): Promise<boolean>;
  clearFailures(tenantId: string, userId: string): Promise<void>;
  rememberDevice(device: RememberedDevice): Promise<void>;
  /** @param rememberedAfter an instant: what was remembered before counts no longer. */
  knowsDevice(tenantId: string, userId: string, hash: string, now: number, rememberedAfter: number): Promise<boolean>;
  /** Answers how many there were. */
  forgetDevices(tenantId: string, userId: string): Promise<number>;
}

export interface StoredConsent {
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly expiresAt?: number;
  readonly terms?: { readonly version: string; readonly acceptedAt: number };
}

export interface ConsentRepository {
  find(
    tenantId: string,
    userId: string,
    clientId: string,
  ): Promise<{ readonly scopes: readonly string[]; readonly expiresAt: number } | undefined>;
  save(tenantId: string, userId: string, clientId: string, scopes: readonly string[], expiresAt: number): Promise<void>;
  findTerms(
    tenantId: string,
    userId: string,
    clientId: string,
  ): Promise<{ readonly version: string; readonly acceptedAt: number } | undefined>;
  saveTerms(tenantId: string, userId: string, clientId: string, version: string, now: number): Promise<void>;
  /** Every client the user gave consent to, or accepted terms for. */
  listForUser(tenantId: string, userId: string, now: number): Promise<readonly StoredConsent[]>;
  /** Forgets consent and terms agreements together. */
  delete(tenantId: string, userId: string, clientId: string): Promise<void>;
  /** Forgets the agreement to terms alone, so that the person is asked again. False when there is none. */
  deleteTerms(tenantId: string, userId: string, clientId: string): Promise<boolean>;
}

/** Whose choice of what is remembered. */
export interface RememberedContextKey {
  readonly tenantId: string;
  readonly userId: string;
  readonly clientId: string;
  /** `patient`, `encounter`, …: one choice of each is remembered. */
  readonly kind: string;
}

export interface RememberedContextRepository {
  /** The id of the record. It says what to offer first, and never what may be chosen. */
  find(key: RememberedContextKey, now: number): Promise<string | undefined>;
  save(key: RememberedContextKey, resourceId: string, expiresAt: number): Promise<void>;
  listForUser(
    tenantId: string,
    userId: string,
    now: number,
  ): Promise<readonly Pick<RememberedContextKey, 'clientId' | 'kind'>[]>;
  /** Forgets all of a person, or of them one app's, or of that one kind. False when there is none. */
  delete(
    tenantId: string,
    userId: string,
    of?: { readonly clientId: string; readonly kind?: string },
  ): Promise<boolean>;
}

export interface StoredKey {
  readonly tenantId: string;
  readonly kid: string;
  readonly algorithm: string;
  readonly active: boolean;
  readonly publicJwk: unknown;
  /** The private JWK, encrypted by the master key. */
  readonly sealedPrivateJwk: string;
  readonly createdAt: number;
}

export interface KeyRepository {
  list(tenantId: string): Promise<readonly StoredKey[]>;
  save(key: StoredKey): Promise<void>;
  /** Makes one key the only active one of its algorithm. */
  activate(tenantId: string, kid: string): Promise<void>;
  /** False when there is no such key, or it is active. */
  deleteInactive(tenantId: string, kid: string): Promise<boolean>;
}

export interface AuditEvent {
  readonly tenantId: string;
  readonly at: number;
  readonly type: string;
  readonly outcome: 'success' | 'failure';
  readonly flowId?: string;
  readonly clientId?: string;
  readonly userId?: string;
  readonly reason?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface AuditRepository {
  record(event: AuditEvent): Promise<void>;
  /** Newest first. */
  list(tenantId: string, limit: number, filter?: AuditFilter): Promise<readonly AuditEvent[]>;
}

/** Every given member must match; `before` is an instant. */
export interface AuditFilter {
  readonly type?: string;
  readonly clientId?: string;
  readonly userId?: string;
  readonly flowId?: string;
  readonly outcome?: 'success' | 'failure';
  readonly before?: number;
}

export interface StoredTrace {
  readonly id: string;
  readonly tenantId: string;
  readonly flow: string;
  readonly outcome: string;
  readonly startedAt: number;
  readonly trace: unknown;
}

export interface TraceFilter {
  readonly flow?: string;
  /** `failure` is every outcome but `success`. */
  readonly outcome?: string;
  readonly clientId?: string;
  readonly userId?: string;
  /** A hook that ran, and the version of its script, which may be the beginning of its hash. */
  readonly hook?: string;
  readonly version?: string;
  /** Epoch milliseconds: begun from then on, or before then. */
  readonly since?: number;
  readonly before?: number;
}

/** How long a tenant's traces are kept. */
export interface TracesKept {
  readonly tenantId: string;
  readonly days: number;
  readonly most: number;
}

export interface TraceRepository {
  save(trace: StoredTrace): Promise<void>;
  find(tenantId: string, id: string): Promise<StoredTrace | undefined>;
  /** The newest first. */
  list(tenantId: string, limit: number, filter?: TraceFilter): Promise<readonly StoredTrace[]>;
}

export interface AdminToken {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  /** The tenants it is limited to; every tenant where absent. */
  readonly tenants?: readonly string[];
  readonly createdAt: number;
  readonly expiresAt: number;
}

export interface AdminTokenRepository {
  /** Creates a token, or replaces the one of the same `id`. */
  save(token: AdminToken & { readonly hash: string }): Promise<void>;
  find(hash: string, now: number): Promise<AdminToken | undefined>;
  list(now: number): Promise<readonly AdminToken[]>;
  /** False when there is none. */
  delete(id: string): Promise<boolean>;
}

/** How much one tenant may keep. */
export interface ScriptValueBounds {
  readonly keys: number;
  readonly bytes: number;
}

interface KeepScriptValue {
  readonly expiresAt: number;
  readonly now: number;
  readonly bounds: ScriptValueBounds;
}

export interface ScriptValueRepository {
  /** Undefined where there is nothing, or no longer. */
  get(tenantId: string, key: string, now: number): Promise<unknown>;
  /** False when the tenant has no room for it. */
  set(tenantId: string, key: string, value: unknown, keep: KeepScriptValue): Promise<boolean>;
  /** Adds to a number that starts at 0, atomically. Answers the sum, or why there is none. */
  increment(tenantId: string, key: string, by: number, keep: KeepScriptValue): Promise<number | 'full' | 'no-number'>;
  remove(tenantId: string, key: string): Promise<void>;
}

/** Foreign hashes of client secrets stand in tenant documents, which nobody writes; what replaces them at their first use is kept here. */
export interface ReplacedSecretRepository {
  /** Answers what finds the hash of ours for a foreign one. */
  find(tenantId: string, clientId: string): Promise<(foreignHash: string) => string | undefined>;
  save(tenantId: string, clientId: string, foreignHash: string, hash: string): Promise<void>;
}

/** The files of a version, the entry first. */
export interface ScriptFiles {
  readonly entry: string;
  readonly files: readonly { readonly name: string; readonly source: string }[];
}

export interface ScriptVersion {
  /** SHA-256 of its files, hex. */
  readonly hash: string;
  /** From the tenant's folder, or through the admin API. */
  readonly origin: 'file' | 'upload';
  readonly author: string;
  readonly note?: string;
  readonly createdAt: number;
  /** When it was made the active one last. */
  readonly activatedAt?: number;
}

/** Which versions of a slot run. */
export interface ScriptRollout {
  /** The version everybody gets; the one of the tenant's files where absent. */
  readonly active?: string;
  /** A version that a share of people and apps get, each always the same. */
  readonly canary?: { readonly hash: string; readonly share: number };
  /** A version that runs beside the real one, without effect. */
  readonly shadow?: { readonly hash: string };
}

/** How a version on trial did beside the active one, summed up. No value that a script saw is in it. */
export interface ScriptComparison {
  readonly activeHash: string;
  readonly shadowHash: string;
  readonly hook: string;
  readonly counts: Readonly<Record<string, number>>;
  /** The youngest differences. */
  readonly samples: readonly Readonly<Record<string, unknown>>[];
  readonly lastAt: number;
}

export interface ScriptRepository {
  /** False when the version is known already. */
  add(
    tenantId: string,
    slot: string,
    version: Omit<ScriptVersion, 'activatedAt'>,
    files: ScriptFiles,
  ): Promise<boolean>;
  find(tenantId: string, slot: string, hash: string): Promise<(ScriptVersion & { files: ScriptFiles }) | undefined>;
  /** Newest first. */
  list(tenantId: string, slot: string): Promise<readonly ScriptVersion[]>;
  markActivated(tenantId: string, slot: string, hash: string, now: number): Promise<void>;
  rollouts(tenantId: string): Promise<ReadonlyMap<string, ScriptRollout>>;
  setRollout(tenantId: string, slot: string, rollout: ScriptRollout, now: number, by: string): Promise<void>;
  /** Adds counts and samples to what is known of a pair of versions. */
  compare(tenantId: string, slot: string, comparison: ScriptComparison): Promise<void>;
  comparisons(tenantId: string, slot: string): Promise<readonly ScriptComparison[]>;
}

export interface Store {
  readonly flows: FlowRepository;
  readonly tokens: TokenRepository;
  readonly sessions: SessionRepository;
  readonly logoutNotices: LogoutNoticeRepository;
  readonly users: UserRepository;
  readonly clients: ClientRepository;
  readonly providers: ProviderRepository;
  readonly providerLinks: ProviderLinkRepository;
  readonly providerSessions: ProviderSessionRepository;
  readonly replays: ReplayRepository;
  readonly launches: LaunchRepository;
  readonly mailedLinks: MailedLinkRepository;
  readonly registrations: RegistrationRepository;
  readonly secondFactors: SecondFactorRepository;
  readonly consents: ConsentRepository;
  readonly rememberedContexts: RememberedContextRepository;
  readonly keys: KeyRepository;
  readonly audit: AuditRepository;
  readonly traces: TraceRepository;
  readonly adminTokens: AdminTokenRepository;
  readonly scriptValues: ScriptValueRepository;
  readonly scripts: ScriptRepository;
  readonly replacedSecrets: ReplacedSecretRepository;
  /** A small named value of the installation, e.g. the sealed master key check. */
  setting(name: string): Promise<string | undefined>;
  setSetting(name: string, value: string): Promise<void>;
  /**
   * Deletes what has expired, and audit events from before `auditBefore`; called by a timer. A tenant that `traces` does
   * not name keeps 500 traces for 30 days.
   */
  sweep(now: number, keep?: { readonly auditBefore?: number; readonly traces?: readonly TracesKept[] }): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

export type { Authority };
