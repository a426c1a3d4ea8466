/** People of an OpenLDAP directory log in, and nobody else does. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Admin, asAdmin, bootstrapSecret, itemsOf } from '../admin/support.ts';
import {
  groupEntry,
  personEntry,
  servicePassword,
  serviceDn,
  startDirectory,
  suffix,
  type TestDirectory,
} from '../support/directory.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { addTenant, groups, people, searching, textOf, unavailable, visitors, wrong } from './stage.ts';

const dnOf = (uid: string) => `uid=${uid},${people}`;
const group = (cn: string) => `cn=${cn},${groups}`;
const crowd = Array.from({ length: 45 }, (_one, index) => `crowd-${index}`);

const entries = [
  personEntry('anna', 'anna secret', `departmentNumber: 7\nlabeledURI: Practitioner/anna`),
  personEntry('bruno', 'bruno secret'),
  personEntry('clara', 'clara secret'),
  personEntry('dora', 'dora secret'),
  personEntry('emil', 'emil secret'),
  personEntry('franz', 'franz secret'),
  personEntry('gina', 'gina secret'),
  personEntry('local-too', 'directory secret'),
  personEntry('taken', 'taken secret'),
  personEntry('denied', 'denied secret'),
  personEntry('outsider', 'outsider secret'),
  personEntry('twin', 'twin secret'),
  personEntry('second-only', 'second secret'),
  personEntry('nobody-home', 'a secret').replace(/^uid: .*$/m, 'uid: nobody-home\nuid: *'),
  // The same mail address twice.
  personEntry('twin2', 'twin secret').replace('mail: twin2@', 'mail: twin@'),
  `dn: uid=o'neil\\, jr\\+x (\\#1)\\\\,${people}
objectClass: inetOrgPerson
uid: o'neil, jr+x (#1)\\
cn: O
sn: O'Neil
userPassword: neil secret

`,
  `dn: ou=others,${suffix}
objectClass: organizationalUnit
ou: others

`,
  personEntry('anna', 'another secret').replace(people, `ou=others,${suffix}`),
  personEntry('other', 'other secret').replace(people, `ou=others,${suffix}`),
  groupEntry('ward', dnOf('anna'), dnOf('bruno')),
  groupEntry('doctors', group('ward')),
  groupEntry('staff', group('doctors'), group('ring')),
  groupEntry('ring', group('staff')),
  groupEntry('portal', ...['anna', 'bruno', 'clara', 'dora', 'emil', 'franz', 'gina', 'taken'].map(dnOf)),
  ...crowd.map((cn) => groupEntry(cn, dnOf('bruno'))),
].join('\n');

const allowed = (permission: string) => [{ permission }];
const rules = {
  base: groups,
  nested: true,
  authorities: [
    { group: `CN=Doctors, ou=Groups,${suffix}`, authorities: allowed('FHIR_ALL_READ') },
    { group: group('staff'), authorities: allowed('ROLE_FHIR_CLIENT') },
    { group: group('crowd-44'), authorities: allowed('FHIR_CAPABILITIES') },
  ],
};
const script = `
function onAuthenticateSuccess(theUserSession, theOutcomeFactory, theContext) {
  if (theUserSession.username === 'denied') return theOutcomeFactory.newFailure();
  theUserSession.setUserData('groups', theContext.getStringArrayClaim('groups').join(' | '));
  theUserSession.setUserData('dn', theContext.getStringClaim('dn'));
  theUserSession.setUserData('module', theContext.moduleId);
  return theUserSession;
}
`;

describe('a log-in at a directory', function () {
  this.timeout(120_000);
  let directory: TestDirectory;
  let server: TestServer;
  let admin: Admin;
  const { at, visitor, attempt, enter } = visitors(() => server);
  const accountOf = async (tenant: string, username: string) =>
    itemsOf(await admin('GET', `/tenants/${tenant}/users?search=${encodeURIComponent(username)}`)).find(
      (user) => user['username'] === username,
    );

  before(async () => {
    directory = await startDirectory(entries);
    server = await startTestServer({
      environment: { SALLYPORT_TRUST_PROXY: '127.0.0.1' },
      prepare: async (config, url) => {
        const add = (id: string, document: object) =>
          addTenant(config, url, id, directory.ca, document as Readonly<Record<string, unknown>>);
        const attributes = { fhirUser: 'labeledURI', userData: { department: 'departmentNumber' } };
        const search = { base: people, filter: '(&(objectClass=inetOrgPerson)(|(uid={username})(mail={username})))' };
        await add('clinic', {
          inbound: [
            { type: 'local', id: 'local' },
            {
              type: 'ldap',
              id: 'directory',
              script: 'log-in.js',
              ldap: searching(directory, {
                urls: ['ldap://localhost:1', directory.url],
                attributes,
                search,
                groups: rules,
              }),
            },
          ],
          users: [
            { username: 'local-too', password: 'local secret' },
            { username: 'taken' },
            { username: 'admin', password: 'admin secret' },
          ],
        });
        await writeFile(join(config, 'clinic/log-in.js'), script);
        await add('direct', {
          inbound: [
            {
              type: 'ldap',
              id: 'direct',
              ldap: {
                urls: [directory.secureUrl],
                caFile: 'ca.pem',
                userDn: `uid={username},${people}`,
                groups: { base: groups, filter: '(member={dn})', required: group('portal') },
                defaultAuthorities: allowed('ROLE_FHIR_CLIENT'),
              },
            },
          ],
        });
        const others = { base: `ou=others,${suffix}` };
        await add('two', {
          inbound: [
            { type: 'ldap', id: 'first', ldap: searching(directory, { defaultAuthorities: allowed('FHIR_ALL_READ') }) },
            { type: 'ldap', id: 'second', ldap: searching(directory, { search: others }) },
            { type: 'local', id: 'local' },
          ],
          users: [{ username: 'admin', password: 'admin secret' }],
        });
      },
    });
    admin = await asAdmin(server);
  });
  after(async () => {
    await server?.close();
    await directory?.close();
  });

  it('makes an account of the entry, with names, data and what nested groups allow', async () => {
    const claims = await enter('clinic', 'anna', 'anna secret');
    const account = await accountOf('clinic', 'anna');
    expect(account).to.deep.include({
      givenName: 'Anna',
      familyName: 'Surname of anna',
      email: 'anna@clinic.example',
      fhirUser: 'Practitioner/anna',
      hasPassword: false,
      authorities: [...allowed('FHIR_ALL_READ'), ...allowed('ROLE_FHIR_CLIENT')],
    });
    expect(account?.['external']).to.deep.include({ provider: 'inbound/directory' });
    const data = account?.['userData'] as Record<string, string>;
    expect(data).to.include({ department: '7', dn: dnOf('anna'), module: 'directory' });
    expect(data['groups']?.split(' | ')).to.have.members(['ward', 'portal', 'doctors', 'staff', 'ring'].map(group));
    expect(claims['sub']).to.be.a('string');
  });

  it('knows somebody by another spelling or by mail as the same person, and reads more groups than a page holds', async () => {
    const first = await enter('clinic', 'BRUNO', 'bruno secret');
    const again = await enter('clinic', 'bruno@clinic.example', 'bruno secret');
    expect(again['sub']).to.equal(first['sub']);
    const account = await accountOf('clinic', 'bruno');
    expect(account?.['authorities']).to.deep.include.members(allowed('FHIR_CAPABILITIES'));
  });

  it('brings the account up to date at each log-in, rights that are gone as well', async () => {
    const before = await enter('clinic', 'clara', 'clara secret');
    expect((await accountOf('clinic', 'clara'))?.['authorities']).to.deep.equal([]);
    await directory.modify(`dn: ${dnOf('clara')}
changetype: modify
replace: mail
mail: new@clinic.example
-
delete: givenName

dn: ${group('doctors')}
changetype: modify
add: member
member: ${dnOf('clara')}
`);
    const after = await enter('clinic', 'clara', 'clara secret');
    expect(after['sub']).to.equal(before['sub']);
    const account = await accountOf('clinic', 'clara');
    expect(account).to.include({ email: 'new@clinic.example' }).and.not.to.have.property('givenName');
    expect(account?.['authorities']).to.deep.include.members(allowed('FHIR_ALL_READ'));
    await directory.modify(`dn: ${group('doctors')}
changetype: modify
delete: member
member: ${dnOf('clara')}

dn: ${dnOf('clara')}
changetype: modrdn
newrdn: uid=clara-married
deleteoldrdn: 1
`);
    const renamed = await enter('clinic', 'clara-married', 'clara secret');
    expect(renamed['sub']).to.be.a('string');
    const moved = await accountOf('clinic', 'clara-married');
    expect(moved?.['id']).to.equal(account?.['id']);
    expect(moved?.['authorities']).to.deep.equal([]);
  });

  it('binds directly, whatever a name holds', async () => {
    const name = "o'neil, jr+x (#1)\\";
    await directory.modify(`dn: ${group('portal')}
changetype: modify
add: member
member: uid=o'neil\\, jr\\+x (\\#1)\\\\,${people}
`);
    await enter('direct', name, 'neil secret');
    expect(await accountOf('direct', name)).to.deep.include({ authorities: allowed('ROLE_FHIR_CLIENT') });
    await enter('clinic', name, 'neil secret');
    expect(await accountOf('clinic', name)).to.include({ familyName: "O'Neil" });
  });

  const strangers: readonly (readonly [string, string, string, string])[] = [
    ['a wrong password', 'clinic', 'dora', 'anna secret'],
    ['an unknown name', 'clinic', 'zoe', 'dora secret'],
    ['no password', 'clinic', 'dora', ''],
    ['no name', 'clinic', '', 'dora secret'],
    ['a name for everybody', 'clinic', '*', 'dora secret'],
    ['a name that ends the filter', 'clinic', 'dora)(uid=*', 'dora secret'],
    ['a name that opens another filter', 'clinic', 'zoe)(|(uid=dora', 'dora secret'],
    ['a name with NUL', 'clinic', 'dora\0', 'dora secret'],
    ['a mail address of two people', 'clinic', 'twin@clinic.example', 'twin secret'],
    ['the password of the directory where the local module knows the name', 'clinic', 'local-too', 'directory secret'],
    ['the name of a local account without password', 'clinic', 'taken', 'taken secret'],
    ['the service account', 'clinic', 'sallyport', servicePassword],
    ['the distinguished name', 'clinic', dnOf('dora'), 'dora secret'],
    ['a direct bind without password', 'direct', 'anna', ''],
    ['a direct bind with a wrong password', 'direct', 'anna', 'wrong'],
    ['a direct bind of an unknown name', 'direct', 'zoe', 'wrong'],
    ['a name that leads elsewhere', 'direct', `x,ou=others,${suffix}`, 'another secret'],
    ['a name that leads to the service account', 'direct', serviceDn.slice(3), servicePassword],
    ['somebody outside the required group', 'direct', 'outsider', 'outsider secret'],
    ['the second directory where the first knows the name', 'two', 'anna', 'another secret'],
  ];
  it('refuses all others alike', async () => {
    const answers = await Promise.all(
      strangers.map(async ([what, tenant, username, password]) => {
        const page = await attempt(tenant, username, password);
        return [what, page.status, textOf(page).includes(wrong)] as const;
      }),
    );
    expect(answers).to.deep.equal(strangers.map(([what]) => [what, 200, true]));
    for (const name of ['dora', 'outsider', 'twin']) expect(await accountOf('clinic', name)).to.equal(undefined);
  });

  it('asks the next directory for whom the one before does not know, and the local module last', async () => {
    await enter('two', 'anna', 'anna secret');
    await enter('two', 'other', 'other secret');
    await enter('two', 'admin', 'admin secret');
    expect((await accountOf('two', 'anna'))?.['external']).to.deep.include({ provider: 'inbound/first' });
    expect((await accountOf('two', 'other'))?.['external']).to.deep.include({ provider: 'inbound/second' });
    expect(await accountOf('two', 'admin')).not.to.have.property('external');
  });

  it('lets the local module decide first where it stands first', async () => {
    await enter('clinic', 'local-too', 'local secret');
    expect(await accountOf('clinic', 'local-too')).not.to.have.property('external');
  });

  it('makes no account of somebody whom the callback denies', async () => {
    const page = await attempt('clinic', 'denied', 'denied secret');
    expect(page.url).to.match(/error=access_denied/);
    expect(await accountOf('clinic', 'denied')).to.equal(undefined);
  });

  it('lets nobody in whom an administrator disabled', async () => {
    await enter('clinic', 'emil', 'emil secret');
    const account = await accountOf('clinic', 'emil');
    await admin('PATCH', `/tenants/clinic/users/${String(account?.['id'])}`, { enabled: false });
    expect(textOf(await attempt('clinic', 'emil', 'emil secret'))).to.include(wrong);
    expect(await accountOf('clinic', 'emil')).to.include({ enabled: false });
  });

  it('locks an account by whatever name it is tried, and leaves the directory alone then', async () => {
    await enter('clinic', 'franz', 'franz secret');
    const all = (names: readonly string[], password: string) =>
      Promise.all(names.map(async (name) => textOf(await attempt('clinic', name, password)).includes(wrong)));
    const tried = await all(['franz', 'FRANZ', 'franz@clinic.example', ' franz', 'Franz'], 'wrong');
    const then = await all(['franz', 'fRANZ', 'franz@CLINIC.example', ' franz', 'franz\u00ad'], 'franz secret');
    expect([...tried, ...then]).to.deep.equal(Array.from({ length: 10 }, () => true));
    const account = await accountOf('clinic', 'franz');
    const path = `/tenants/clinic/users/${String(account?.['id'])}`;
    const shown = (await admin('GET', path)).body;
    expect(shown['failedLogins']).to.be.at.least(5);
    expect(shown['lockedUntil']).to.be.a('string');
    expect((await admin('POST', `${path}/unlock`)).status).to.equal(204);
    await enter('clinic', 'franz', 'franz secret');
  });

  it('offers no change of a password that the directory owns', async () => {
    const person = visitor();
    await enter('clinic', 'gina', 'gina secret', person);
    expect((await person.open(`${at('clinic').issuer}/session/password`)).status).to.equal(404);
    const manage = await person.open(`${at('clinic').issuer}/session/manage`);
    expect(manage.status).to.equal(200);
    expect(manage.body).not.to.include('/session/password');
    const account = await accountOf('clinic', 'gina');
    const path = `/tenants/clinic/users/${String(account?.['id'])}`;
    const set = await admin('PUT', `${path}/password`, { password: 'a password of our own' });
    expect(set.status).to.equal(409);
    expect(set.body).to.include({ code: 'password-elsewhere' });
    expect(textOf(await attempt('clinic', 'gina', 'a password of our own'))).to.include(wrong);
  });

  it('says that it cannot check while the directory is away, and lets in whom a module before it knows', async () => {
    await directory.stop();
    try {
      await enter('clinic', 'admin', 'admin secret');
      const tries: readonly (readonly [string, string, string])[] = [
        ['clinic', 'anna', 'anna secret'],
        ['clinic', 'zoe', 'wrong'],
        ['direct', 'anna', 'anna secret'],
        // The directory might know the name, so nobody after it is asked.
        ['two', 'admin', 'admin secret'],
        ...Array.from({ length: 5 }, () => ['clinic', 'admin', 'wrong'] as const),
      ];
      const said = await Promise.all(
        tries.map(async ([tenant, ...person]) => textOf(await attempt(tenant, ...person))),
      );
      for (const text of said) expect(text).to.include(unavailable);
    } finally {
      await directory.start();
    }
    expect(textOf(await attempt('clinic', 'admin', 'admin secret'))).to.include(wrong);
    const authorization = `Bearer ${await bootstrapSecret(server)}`;
    const metrics = await (await fetch(`${server.url}/metrics`, { headers: { authorization } })).text();
    expect(metrics).to.match(
      /login_module_answers_total\{tenant="clinic",module="directory",outcome="unreachable"\} \d/,
    );
    expect(metrics).to.match(/login_module_answers_total\{tenant="clinic",module="directory",outcome="accepted"\} \d/);
    expect(metrics).not.to.include('anna');
  });
});
