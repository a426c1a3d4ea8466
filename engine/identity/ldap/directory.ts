/**
 * The LDAP inbound module: a person proves who they are by a bind at the directory, directly or at the entry that a
 * service account found. Names, mail address and authorities come from there at each log-in.
 */
import { randomUUID } from 'node:crypto';
import { type Breaker, createBreaker } from '../../outbound/breaker.ts';
import { newHandle } from '../../store/secret.ts';
import type { UserRepository } from '../../store/store.ts';
import type { Authority, LdapSettings, User } from '../../tenant/tenant.ts';
import { type LogInAttempt, type ModuleAnswer, providerOfModule } from '../module.ts';
import { type DirectoryConnection, type DirectoryEntry, openConnection } from './connection.ts';
import { findGroups } from './groups.ts';
import { escapeDnValue, escapeFilterValue, fillTemplate, normalizeDn } from './names.ts';
import { createPool, type DirectoryPool } from './pool.ts';
import { type DirectoryAddress, DirectoryError } from './socket.ts';

export interface LdapModule {
  authenticate(
    module: { readonly id: string; readonly ldap: LdapSettings },
    attempt: LogInAttempt,
  ): Promise<ModuleAnswer>;
  /**
   * Whether the entry that an account belongs to is still one that may log in, without its password.
   * @throws DirectoryError where the directory does not say.
   */
  knows(ldap: LdapSettings, user: Pick<User, 'username' | 'external'>): Promise<boolean>;
}

/** A whole log-in may take so many times as long as one operation. */
const operations = 4;
/** Characters of one value, and values of one attribute, that are kept. */
const longestValue = 1000;
const mostValues = 50;

interface Directory {
  open(): Promise<DirectoryConnection>;
  readonly pool: DirectoryPool;
}

export function createLdapModule(options: {
  readonly users: UserRepository;
  log(level: 'info' | 'warn', message: string, fields: Readonly<Record<string, unknown>>): void;
}): LdapModule {
  const { users, log } = options;
  const directories = new WeakMap<LdapSettings, Directory>();

  /** Its servers in turn, but for those that did not answer lately. */
  async function open(settings: LdapSettings, breaker: Breaker): Promise<DirectoryConnection> {
    let problem = new DirectoryError('unreachable', 'no server of the directory answered lately');
    for (const url of settings.urls) {
      const address: DirectoryAddress = { url, startTls: settings.startTls, ...(settings.ca && { ca: settings.ca }) };
      if (breaker.closedFor(url, Date.now()) > 0) continue;
      try {
        const connection = await openConnection(address, settings.timeoutMilliseconds);
        breaker.record(url, false, Date.now());
        return connection;
      } catch (error) {
        if (!(error instanceof DirectoryError)) throw error;
        // One that refuses at once costs nothing to ask again.
        breaker.record(url, error.problem === 'timeout', Date.now());
        problem = error;
      }
    }
    throw problem;
  }

  function directoryOf(settings: LdapSettings): Directory {
    const known = directories.get(settings);
    if (known) return known;
    // Of its own: what another tenant trusts, and what it cannot reach, says nothing of this one's.
    const breaker = createBreaker();
    const made: Directory = {
      open: () => open(settings, breaker),
      pool: createPool(async () => {
        const connection = await open(settings, breaker);
        const { bind } = settings;
        if (bind && !(await connection.bind(bind.dn, bind.password))) {
          connection.close();
          throw new DirectoryError('service-account', 'the directory refuses the service account');
        }
        return connection;
      }),
    };
    directories.set(settings, made);
    return made;
  }

  async function authenticate(id: string, settings: LdapSettings, attempt: LogInAttempt): Promise<ModuleAnswer> {
    const directory = directoryOf(settings);
    const { name, tenant } = attempt;
    const { search } = settings;
    const found = search && (await directory.pool.use((connection) => findPeople(connection, settings, name)));
    if (found && found.length > 1) log('warn', 'a user name fits several entries of a directory', { module: id });
    const entry = found?.length === 1 ? found[0] : undefined;
    const dn = search ? entry?.dn : fillTemplate(settings.userDn ?? '', { username: name }, escapeDnValue);
    const username = entry ? usernameOf(settings, entry) : name;
    const open = dn !== undefined && attempt.password !== undefined && (await attempt.mayTry(username));
    const connection = await directory.open();
    try {
      // Nobody's account is tried in vain: that would count at the directory, which may lock it.
      const proven = open
        ? await connection.bind(dn, attempt.password ?? '')
        : (await connection.bind(`cn=${randomUUID()},${search?.base ?? 'cn=nobody'}`, randomUUID())) && false;
      if (!proven) return found?.length === 0 ? { kind: 'unknown' } : { kind: 'refused', username };
      const own = entry ?? (await readOwn(settings, connection, dn ?? ''));
      const groups = settings.groups
        ? await (settings.bind
            ? directory.pool.use((service) => groupsOf(settings, service, own))
            : groupsOf(settings, connection, own))
        : [];
      return await vouch(id, settings, own, groups, tenant.id);
    } finally {
      connection.close();
    }
  }

  /** The account that stands for the entry, as the directory describes it now. */
  async function vouch(
    id: string,
    settings: LdapSettings,
    entry: DirectoryEntry,
    groups: readonly string[],
    tenantId: string,
  ): Promise<ModuleAnswer> {
    const { attributes, groups: rules, defaultAuthorities } = settings;
    const named = usernameOf(settings, entry);
    const refuse = (why: string): ModuleAnswer => {
      log('warn', 'a person whom a directory knows is not let in', { module: id, why });
      return { kind: 'refused', username: named };
    };
    const isMember = (group: string) => includesGroup(groups, group);
    if (rules?.required !== undefined && !isMember(rules.required)) return refuse('not-in-required-group');
    const external = { provider: providerOfModule(id), subject: subjectOf(settings, entry) };
    const known = await users.findByExternal(tenantId, external.provider, external.subject);
    if (known && !known.enabled) return refuse('disabled');
    // A person with two user names keeps the one they had.
    const names = entry.values(attributes.username).map((value) => value.toString('utf8'));
    const username = known && names.includes(known.username) ? known.username : named;
    const namesake = await users.findByUsername(tenantId, username);
    // An account is never taken over by a directory's claim of its name.
    if (namesake && namesake.id !== known?.id) return refuse('username-taken');
    const text = (attribute: string | undefined) => attribute && textsOf(entry, attribute)[0];
    const [givenName, familyName] = [text(attributes.givenName), text(attributes.familyName)];
    const [email, fhirUser] = [text(attributes.email), text(attributes.fhirUser)];
    const userData = Object.fromEntries(
      Object.entries(attributes.userData).flatMap(([key, attribute]) => {
        const values = textsOf(entry, attribute);
        return values.length === 0 ? [] : [[key, values.length === 1 ? values[0] : values]];
      }),
    );
    const granted = rules?.authorities.filter(({ group }) => isMember(group)).flatMap(({ authorities }) => authorities);
    const authorities =
      granted === undefined && known ? known.authorities : distinct([...defaultAuthorities, ...(granted ?? [])]);
    const before = known ?? { id: newHandle(), enabled: true, defaultLaunchContexts: [], userData: {} };
    const ownUserData = Object.entries(before.userData).filter(([key]) => !(key in attributes.userData));
    const { givenName: _given, familyName: _family, email: _email, fhirUser: _fhirUser, ...kept } = before as User;
    const linked = attributes.fhirUser === undefined ? known?.fhirUser : fhirUser;
    const user: User = {
      ...kept,
      username,
      ...(givenName ? { givenName } : {}),
      ...(familyName ? { familyName } : {}),
      ...(email ? { email } : {}),
      ...(linked ? { fhirUser: linked } : {}),
      external,
      authorities,
      userData: { ...Object.fromEntries(ownUserData), ...userData },
    };
    return {
      kind: 'accepted',
      user,
      vouched: { external, isNew: known === undefined, claims: { dn: entry.dn, groups } },
    };
  }

  return {
    async authenticate({ id, ldap }, attempt) {
      try {
        return await within(ldap.timeoutMilliseconds * operations, authenticate(id, ldap, attempt));
      } catch (error) {
        if (error instanceof DirectoryError)
          return { kind: 'unavailable', problem: error.problem, detail: error.message };
        throw error;
      }
    },
    knows: (ldap, user) =>
      within(
        ldap.timeoutMilliseconds * operations,
        directoryOf(ldap).pool.use(async (connection) => {
          const [entry, another] = await findPeople(connection, ldap, user.username);
          if (!entry || another || subjectOf(ldap, entry) !== user.external?.subject) return false;
          const { required } = ldap.groups ?? {};
          return required === undefined || includesGroup(await groupsOf(ldap, connection, entry), required);
        }),
      ),
  };
}

/** The entries that fit a user name; one is right, two are as good as none. */
async function findPeople(
  connection: DirectoryConnection,
  { search, ...settings }: LdapSettings,
  username: string,
): Promise<readonly DirectoryEntry[]> {
  if (!search) return [];
  return connection.search({
    base: search.base,
    scope: search.scope,
    filter: fillTemplate(search.filter, { username }, escapeFilterValue),
    attributes: wantedAttributes(settings),
    most: 2,
  });
}

function includesGroup(groups: readonly string[], wanted: string): boolean {
  return groups.some((group) => normalizeDn(group) === normalizeDn(wanted));
}

function wantedAttributes({ attributes }: Pick<LdapSettings, 'attributes'>): readonly string[] {
  const { userData, ...single } = attributes;
  return [...new Set([...Object.values(single), ...Object.values(userData)])].filter((name) => name !== '');
}

/** The person's own entry, read by themselves. */
async function readOwn(settings: LdapSettings, connection: DirectoryConnection, dn: string): Promise<DirectoryEntry> {
  const [entry] = await connection.search({
    base: dn,
    scope: 'base',
    filter: '(objectClass=*)',
    attributes: wantedAttributes(settings),
    most: 1,
  });
  if (!entry) throw new DirectoryError('entry', 'people may not read their own entries');
  return entry;
}

function groupsOf({ groups, attributes }: LdapSettings, connection: DirectoryConnection, entry: DirectoryEntry) {
  const username = entry.values(attributes.username)[0]?.toString('utf8') ?? '';
  return groups ? findGroups(connection, groups, { dn: entry.dn, username }) : Promise.resolve([]);
}

function usernameOf({ attributes }: LdapSettings, entry: DirectoryEntry): string {
  const [username] = entry.values(attributes.username);
  const text = username?.toString('utf8').normalize('NFC') ?? '';
  if (text === '' || text.length > 255 || /\p{C}/u.test(text))
    throw new DirectoryError('entry', `an entry has no usable ${attributes.username}`);
  return text;
}

/** What stays the same when a person is renamed; hex where it is no text, as `objectGUID`. */
function subjectOf({ attributes }: LdapSettings, entry: DirectoryEntry): string {
  const [subject] = entry.values(attributes.subject);
  if (subject === undefined || subject.length > 255)
    throw new DirectoryError('entry', `an entry has no usable ${attributes.subject}`);
  const text = subject.toString('latin1');
  return /^[\x21-\x7e]+$/.test(text) ? text : subject.toString('hex');
}

function textsOf(entry: DirectoryEntry, attribute: string): string[] {
  return entry
    .values(attribute)
    .slice(0, mostValues)
    .map((value) =>
      value
        .toString('utf8')
        .replace(/\p{Cc}/gu, ' ')
        .trim()
        .slice(0, longestValue),
    )
    .filter((text) => text !== '');
}

function distinct(authorities: readonly Authority[]): readonly Authority[] {
  return [...new Map(authorities.map((authority) => [JSON.stringify(authority), authority])).values()];
}

async function within<Value>(milliseconds: number, work: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DirectoryError('timeout', 'the directory is too slow')), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    // Where it comes too late, nobody hears of it any more.
    work.catch(() => undefined);
  }
}
