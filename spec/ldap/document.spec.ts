/** A tenant document tells what of a directory's settings does not fit together. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadTenant } from '../../engine/tenant/load.ts';

const bind = { dn: 'cn=service,dc=clinic', password: { env: 'DIRECTORY_PASSWORD' } };
const search = { base: 'ou=people,dc=clinic' };
const groups = { base: 'ou=groups,dc=clinic' };
const urls = ['ldaps://directory.example'];
const right = { urls, bind, search };

describe('the settings of a directory', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sallyport-directory-document-'));
    await writeFile(join(folder, 'empty.pem'), 'nothing\n');
    await writeFile(join(folder, 'ca.pem'), '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function load(inbound: readonly object[]) {
    const document = { id: 'clinic', name: 'Clinic', issuer: 'https://auth.example/clinic', inbound };
    await writeFile(join(folder, 'tenant.json'), JSON.stringify(document));
    return loadTenant(folder, { masterEnvironment: { DIRECTORY_PASSWORD: 'a secret of the directory' } });
  }
  const ldap = (settings: object, more: object = {}) => ({ type: 'ldap', id: 'directory', ldap: settings, ...more });

  it('are filled in, the secret and the certificates read', async () => {
    const result = await load([{ type: 'local', id: 'local' }, ldap({ ...right, caFile: 'ca.pem', groups })]);
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    const [, module] = result.tenant.inbound;
    expect(module).to.deep.include({ type: 'ldap', id: 'directory' });
    expect(module?.type === 'ldap' && module.ldap).to.deep.include({
      startTls: true,
      timeoutMilliseconds: 5000,
      bind: { dn: bind.dn, password: 'a secret of the directory' },
      search: { ...search, scope: 'sub', filter: '(uid={username})' },
      attributes: {
        subject: 'entryUUID',
        username: 'uid',
        givenName: 'givenName',
        familyName: 'sn',
        email: 'mail',
        userData: {},
      },
      groups: { ...groups, filter: '(member={dn})', nested: false, authorities: [] },
      ca: '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n',
    });
  });

  const at = '/inbound/0/ldap';
  const userDn = 'uid={username},ou=people,dc=clinic';
  const faults: readonly (readonly [string, readonly object[], string])[] = [
    ['no settings', [{ type: 'ldap', id: 'directory' }], '/inbound/0'],
    ['settings of a local module', [{ type: 'local', id: 'local', ldap: right }], '/inbound/0'],
    [
      'passwords in plain text',
      [ldap({ ...right, urls: ['ldap://directory.example'], startTls: false })],
      `${at}/urls/0`,
    ],
    ['another scheme', [ldap({ ...right, urls: ['http://directory.example'] })], `${at}/urls/0`],
    ['credentials in the address', [ldap({ ...right, urls: ['ldaps://u:p@directory.example'] })], `${at}/urls/0`],
    ['no server', [ldap({ ...right, urls: [] })], `${at}/urls`],
    ['no way to find people', [ldap({ urls, bind })], at],
    ['two ways to find people', [ldap({ ...right, userDn })], at],
    ['a search by nobody', [ldap({ urls, search })], at],
    ['an inline secret', [ldap({ ...right, bind: { ...bind, password: 'inline secret' } })], `${at}/bind/password`],
    [
      'a secret that is not there',
      [ldap({ ...right, bind: { ...bind, password: { env: 'X' } } })],
      `${at}/bind/password/env`,
    ],
    ['a base that is no name', [ldap({ ...right, search: { base: 'people' } })], `${at}/search/base`],
    ['a filter for everybody', [ldap({ ...right, search: { ...search, filter: '(uid=*)' } })], `${at}/search/filter`],
    [
      'a filter that does not close',
      [ldap({ ...right, search: { ...search, filter: '(&(uid={username})' } })],
      `${at}/search/filter`,
    ],
    [
      'a gap for an attribute',
      [ldap({ ...right, search: { ...search, filter: '({username}=x)' } })],
      `${at}/search/filter`,
    ],
    [
      'a gap behind an attribute',
      [ldap({ ...right, search: { ...search, filter: '(a{username}=x)' } })],
      `${at}/search/filter`,
    ],
    ['one entry for everybody', [ldap({ urls, userDn: 'uid=anna,dc=clinic' })], `${at}/userDn`],
    ['a gap for a type', [ldap({ urls, userDn: '{username}=x,dc=clinic' })], `${at}/userDn`],
    ['a module after a direct bind', [ldap({ urls, userDn }), { type: 'local', id: 'local' }], `${at}/userDn`],
    [
      'a person who is asked for again without their password',
      [ldap({ urls, userDn, recheckSeconds: 900 })],
      `${at}/recheckSeconds`,
    ],
    ['no such file', [ldap({ ...right, caFile: 'none.pem' })], `${at}/caFile`],
    ['no certificate', [ldap({ ...right, caFile: 'empty.pem' })], `${at}/caFile`],
    [
      'a group that is no name',
      [ldap({ ...right, groups: { ...groups, required: 'doctors' } })],
      `${at}/groups/required`,
    ],
    ['groups of nobody', [ldap({ ...right, groups: { ...groups, filter: '(cn=*)' } })], `${at}/groups/filter`],
    [
      'groups in groups without their names',
      [ldap({ ...right, groups: { ...groups, filter: '(memberUid={username})', nested: true } })],
      `${at}/groups/nested`,
    ],
  ];
  for (const [what, inbound, pointer] of faults)
    it(`${what}: ${pointer}`, async () => {
      const result = await load(inbound);
      expect(result.ok ? [] : [...new Set(result.problems.map((problem) => problem.pointer))]).to.include(pointer);
    });
});
