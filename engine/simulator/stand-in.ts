/**
 * A running tenant as a simulation may have it: the rules are the real ones, and nothing by which it proves itself to others
 * or others to it. Whoever may try a script must not read secrets by it, and a token that it makes is worth nothing.
 */
import type { Client, FhirAccess, FhirServer, InboundModule, Provider, Tenant, User } from '../tenant/tenant.ts';

/** What was added while the server runs, beside the tenant's document. */
export interface Added {
  readonly clients: readonly Client[];
  readonly providers: readonly Provider[];
}

/** @returns the tenant without keys, secrets, passwords and credentials; with people made up where its document has none. */
export function standInFor(tenant: Tenant, added: Added): Tenant {
  const { mail: _mail, ...rest } = tenant;
  const clients = new Map([...added.clients, ...tenant.clients].map((client) => [client.clientId, client]));
  const providers = new Map([...added.providers, ...tenant.providers].map((provider) => [provider.id, provider]));
  return {
    ...rest,
    keystore: { algorithms: tenant.keystore.algorithms, imported: [] },
    secrets: Object.fromEntries(
      Object.entries(tenant.secrets).map(([name, secret]) => [name, { ...secret, value: madeUp(name) }]),
    ),
    fhirServers: tenant.fhirServers.map(serverWithout),
    clients: [...clients.values()],
    providers: [...providers.values()].map(providerWithout),
    inbound: tenant.inbound.map((module) => moduleWithout(module, tenant)),
    users: tenant.users.length > 0 ? tenant.users.map(userWithout) : people,
  };
}

const madeUp = (name: string) => `a made-up ${name}`;

function serverWithout({ access, ...server }: FhirServer): FhirServer {
  return access ? { ...server, access: accessWithout(access) } : server;
}

function accessWithout(access: FhirAccess): FhirAccess {
  switch (access.type) {
    case 'bearer':
      return { ...access, token: madeUp('token') };
    case 'basic':
      return { ...access, password: madeUp('password') };
    case 'client-credentials':
      return { ...access, clientSecret: madeUp('secret') };
    case 'none':
    case 'own-token':
      return access;
  }
}

function providerWithout({ clientSecret, saml: _saml, ...provider }: Provider): Provider {
  return { ...provider, ...(clientSecret === undefined ? {} : { clientSecret: madeUp('secret') }) };
}

/** A directory knows nobody here: where it is the only way in, the people who are made up log in as local ones would. */
function moduleWithout(module: InboundModule, { inbound }: Tenant): InboundModule {
  if (module.type !== 'ldap') return module;
  const { id, script } = module;
  if (!inbound.some(({ type }) => type === 'local')) return { id, type: 'local', ...(script ? { script } : {}) };
  const { bind, ...ldap } = module.ldap;
  return { ...module, ldap: { ...ldap, ...(bind ? { bind: { ...bind, password: madeUp('password') } } : {}) } };
}

function userWithout({ passwordHash: _hash, passwordHistory: _history, ...user }: User): User {
  return user;
}

/** Who takes part where the people of a tenant are in its store or its directory. */
const people: readonly User[] = [
  person({
    username: 'a-practitioner',
    givenName: 'Pia',
    fhirUser: 'Practitioner/example',
    authorities: [{ permission: 'ROLE_FHIR_CLIENT' }, { permission: 'FHIR_ALL_READ' }],
  }),
  person({
    username: 'a-patient',
    givenName: 'Pat',
    fhirUser: 'Patient/example',
    authorities: [
      { permission: 'ROLE_FHIR_CLIENT' },
      { permission: 'FHIR_READ_ALL_IN_COMPARTMENT', argument: 'Patient/example' },
    ],
    defaultLaunchContexts: [{ contextType: 'patient', resourceId: 'example' }],
  }),
];

function person(
  given: Pick<User, 'username' | 'givenName' | 'fhirUser' | 'authorities'> &
    Partial<Pick<User, 'defaultLaunchContexts'>>,
): User {
  return {
    id: `made-up-${given.username}`,
    familyName: 'Example',
    enabled: true,
    defaultLaunchContexts: [],
    userData: {},
    ...given,
  };
}
