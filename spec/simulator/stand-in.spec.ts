/** A running tenant as a simulation has it: nothing by which anybody proves who they are. */
import { join } from 'node:path';
import { expect } from 'chai';
import { standInFor } from '../../engine/simulator/stand-in.ts';
import { loadTenant } from '../../engine/tenant/load.ts';
import type { Client, InboundModule, Tenant } from '../../engine/tenant/tenant.ts';

describe('the stand-in for a running tenant', () => {
  let tenant: Tenant;

  before(async () => {
    const loaded = await loadTenant(join(import.meta.dirname, '../../scripts-examples/demo'));
    if (!loaded.ok) throw new Error(loaded.problems[0]?.message);
    tenant = loaded.tenant;
  });

  const real = 'a-real-secret';
  const ldap = { id: 'directory', type: 'ldap', ldap: { bind: { dn: 'cn=x', password: real } } };
  const provider = { id: 'p', clientSecret: real, saml: { decryptionKey: real } };

  it('has no secret, key, password or credential of any kind', () => {
    const [user] = tenant.users;
    const full = {
      ...tenant,
      keystore: { algorithms: tenant.keystore.algorithms, imported: [{ kid: 'k', kty: 'oct', k: real }] },
      secrets: { lab: { value: real, hooks: ['onTokenGenerating'] } },
      fhirServers: [
        { name: 'a', url: 'https://a.example', access: { type: 'bearer', token: real } },
        { name: 'b', url: 'https://b.example', access: { type: 'basic', username: 'u', password: real } },
        { name: 'c', url: 'https://c.example', access: { type: 'client-credentials', clientSecret: real } },
      ],
      mail: { smtp: { password: real } },
      inbound: [...tenant.inbound, ldap],
      providers: [provider],
      users: [{ ...user, passwordHash: real, passwordHistory: [real] }],
    } as unknown as Tenant;
    const standIn = standInFor(full, { clients: [], providers: [{ ...provider, id: 'q' } as never] });
    expect(JSON.stringify(standIn)).to.not.include(real);
    expect(standIn.secrets['lab']?.value).to.equal('a made-up lab');
    expect(standIn.providers.map(({ id }) => id)).to.have.members(['p', 'q']);
    expect(standIn.users).to.have.length(1);
  });

  it('has what was added while the server ran, but never in place of the document', () => {
    const [client] = tenant.clients as readonly [Client];
    const added = [
      { ...client, clientId: 'added' },
      { ...client, scopes: ['not-its-own'] },
    ];
    const standIn = standInFor(tenant, { clients: added, providers: [] });
    expect(standIn.clients.map(({ clientId }) => clientId)).to.include('added');
    expect(standIn.clients.find(({ clientId }) => clientId === client.clientId)).to.equal(client);
  });

  it('lets people who are made up in where only a directory knows anybody', () => {
    const standIn = standInFor(
      { ...tenant, users: [], inbound: [ldap as unknown as InboundModule] },
      {
        clients: [],
        providers: [],
      },
    );
    expect(standIn.inbound).to.deep.equal([{ id: 'directory', type: 'local' }]);
    expect(standIn.users.map(({ username }) => username)).to.deep.equal(['a-practitioner', 'a-patient']);
  });
});
