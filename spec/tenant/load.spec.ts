import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { openTenantDirectory } from '../../engine/tenant/directory.ts';
import { loadTenant } from '../../engine/tenant/load.ts';
import { loadServerSettings } from '../../engine/tenant/server.ts';
import { material } from '../peers/saml-provider.ts';
import { copyTenants } from '../support/server.ts';

type Document = Record<string, unknown> & { clients: Record<string, unknown>[] };

describe('tenant configuration', () => {
  let config: string;
  beforeEach(async () => {
    config = await copyTenants('http://localhost:9200');
  });
  afterEach(() => rm(config, { recursive: true, force: true }));

  const change = async (edit: (document: Document) => void) => {
    const path = join(config, 'demo/tenant.json');
    const document = JSON.parse(await readFile(path, 'utf8')) as Document;
    edit(document);
    await writeFile(path, JSON.stringify(document));
    const result = await loadTenant(join(config, 'demo'));
    return result.ok ? [] : result.problems;
  };

  it('loads the demo, frozen, with defaults filled in and secrets hashed', async () => {
    const result = await loadTenant(join(config, 'demo'));
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    const { tenant } = result;
    expect(Object.isFrozen(tenant.clients)).to.equal(true);
    expect(tenant.lifetimes.authorizationCodeSeconds).to.equal(60);
    const text = JSON.stringify(tenant);
    expect(text).not.to.include('"demo-secret"').and.not.to.include('demo-password');
    expect(text).not.to.match(/"d":"/);
  });

  it('tells all violations at once, with pointer and hint', async () => {
    const problems = await change((document) => {
      document['isuer'] = 'x';
      (document.clients[0] as Record<string, unknown>)['grantTypes'] = ['authorisation_code'];
    });
    expect(problems.map(({ pointer }) => pointer)).to.include.members(['/isuer', '/clients/0/grantTypes/0']);
    expect(problems.find(({ pointer }) => pointer === '/isuer')?.hint).to.include('issuer');
    expect(problems.find(({ pointer }) => pointer === '/clients/0/grantTypes/0')?.hint).to.include(
      'authorization_code',
    );
  });

  it('takes a SAML provider whose settings fit together, and tells what does not', async () => {
    const { key, certificate } = material('sp');
    await writeFile(join(config, 'demo/request.pem'), key);
    const provider = { id: 'saml', name: 'Directory', issuer: 'https://idp.example/', clientId: 'urn:sallyport' };
    const saml = { entryPoint: 'https://idp.example/sso', certificates: [material('idp').certificate] };
    const base64 = certificate.replace(/-----[^-]+-----/g, '');
    const request = { requestKey: { file: 'request.pem' }, requestCertificate: base64 };
    const pointersOf = async (more: object, settings: object) => {
      const problems = await change((document) => {
        document['providers'] = [{ ...provider, ...more, saml: { ...saml, ...settings } }];
      });
      return problems.map(({ pointer }) => pointer);
    };
    expect(await pointersOf({}, {})).to.deep.equal([]);
    expect(await pointersOf({}, { ...request, certificates: [base64, certificate] })).to.deep.equal([]);
    const logOut = { ...request, logoutUrl: 'https://idp.example/slo' };
    expect(await pointersOf({ endSession: true }, logOut)).to.deep.equal([]);
    const at = '/providers/0';
    for (const [more, settings, pointer] of [
      [{}, { certificates: ['TUlJ'] }, `${at}/saml/certificates/0`],
      [{}, { certificates: [] }, `${at}/saml/certificates`],
      [{}, { ...request, requestCertificate: 'TUlJ' }, `${at}/saml/requestCertificate`],
      [{}, { requestKey: request.requestKey }, `${at}/saml`],
      [{}, { requestCertificate: base64 }, `${at}/saml`],
      [{}, { entryPoint: 'http://idp.example/sso' }, `${at}/saml/entryPoint`],
      [{}, { clockSkewSeconds: 3600 }, `${at}/saml/clockSkewSeconds`],
      [{ clientSecret: 'of-openid-connect' }, {}, `${at}/clientSecret`],
      [{ recheckSeconds: 900 }, {}, `${at}/recheckSeconds`],
      [{ endSession: true }, {}, `${at}/endSession`],
      [{}, { logoutUrl: 'https://idp.example/slo' }, `${at}/saml`],
      [{}, { ...request, logoutUrl: 'http://idp.example/slo' }, `${at}/saml/logoutUrl`],
    ] as const)
      expect(await pointersOf(more, settings), pointer).to.deep.equal([pointer]);
  });

  it('takes the questions of self-registration that fit together, and tells what does not', async () => {
    const own = { name: 'memberNumber', label: { en: 'Member number' } };
    const pointersOf = async (more: object, ...fields: readonly object[]) => {
      const problems = await change((document) => {
        document['selfRegistration'] = { enabled: true, fields, ...more };
      });
      return problems.map(({ pointer }) => pointer);
    };
    const choices = [{ value: 'north', label: { en: 'North' } }];
    expect(
      await pointersOf({}, { name: 'phone' }, own, { ...own, name: 'area', type: 'choice', choices }),
    ).to.deep.equal([]);
    const at = '/selfRegistration/fields/0';
    for (const [pointer, field] of [
      [at, { name: 'membrNumber' }],
      [`${at}/name`, { ...own, name: 'password' }],
      [`${at}/name`, { ...own, name: 'website' }],
      [`${at}/name`, { ...own, name: '__proto__' }],
      [`${at}/name`, { ...own, name: 'a b' }],
      [at, { ...own, type: 'choice' }],
      [at, { ...own, choices }],
      [`${at}/type`, { name: 'givenName', type: 'choice', choices }],
      [`${at}/pattern`, { ...own, pattern: '[' }],
      [`${at}/label`, { ...own, label: { English: 'x' } }],
      [`${at}/maxLength`, { ...own, maxLength: 100_000 }],
    ] as const)
      expect(await pointersOf({}, field), JSON.stringify(field)).to.include(pointer);
    expect(await pointersOf({}, own, own)).to.deep.equal(['/selfRegistration/fields/1/name']);
    const ldap = { urls: ['ldaps://ldap.example'], userDn: 'uid={username},dc=example' };
    const problems = await change((document) => {
      document['inbound'] = [
        { type: 'local', id: 'local' },
        { type: 'ldap', id: 'directory', ldap },
      ];
      document['selfRegistration'] = { enabled: true, username: 'chosen' };
    });
    expect(problems.map(({ pointer }) => pointer)).to.deep.equal(['/selfRegistration/username']);
    expect(await pointersOf({ username: 'any' })).to.deep.equal(['/selfRegistration/username']);
  });

  it('wants a mail server where people register themselves, outside the demo', async () => {
    const problems = await change((document) => {
      Object.assign(document, {
        demo: false,
        issuer: 'https://auth.example/demo',
        selfRegistration: { enabled: true },
      });
    });
    expect(problems.map(({ code, pointer }) => `${code} ${pointer}`)).to.include(
      'mail-missing /selfRegistration/enabled',
    );
  });

  it('keeps everything that callbacks see for demo tenants only', async () => {
    expect(await change((document) => (document['traces'] = { values: 'all', share: 0.1, days: 7 }))).to.deep.equal([]);
    const problems = await change((document) => {
      Object.assign(document, { demo: false, issuer: 'https://auth.example/demo', traces: { values: 'all' } });
    });
    expect(problems.map(({ code, pointer }) => `${code} ${pointer}`)).to.include('traces-values /traces/values');
    expect(await change((document) => (document['traces'] = { share: 1.1 }))).to.not.deep.equal([]);
  });

  it('takes searches for a context, and none that would never find what is meant', async () => {
    const problemsOf = async (...searches: object[]) =>
      (await change((document) => (document['launch'] = { searches }))).map(
        ({ code, pointer }) => `${code} ${pointer}`,
      );
    const at = '/launch/searches/0';
    expect(
      await problemsOf(
        { resourceType: 'Patient', server: 'r4', parameters: { active: 'true', '_has:Group:member:_id': ['a', 'b'] } },
        { resourceType: 'Location', parameters: { near: '{patient} {fhirUser} {fhirUser.id} {location}' } },
      ),
    ).to.deep.equal([]);
    const byName = await change((document) =>
      Object.assign(document, {
        launch: { searches: [{ resourceType: 'Patient', parameters: { identifier: 'urn:mrn|{username}' } }] },
        selfRegistration: { enabled: true, username: 'chosen' },
      }),
    );
    expect(byName.map(({ code }) => code)).to.deep.equal(['search-username']);
    for (const [problem, search] of [
      [`search-server ${at}/server`, { server: 'r5' }],
      [`search-gap ${at}/parameters/name`, { parameters: { name: ['x', '{userName}'] } }],
      [`search-gap ${at}/parameters/name`, { parameters: { name: '{patient' } }],
      [`search-gap ${at}/parameters/name`, { parameters: { name: '{}' } }],
      [`search-parameter ${at}/parameters/_count`, { parameters: { _count: '5000' } }],
      [`search-type ${at}/resourceType`, { resourceType: 'Scope' }],
    ] as const)
      expect(await problemsOf({ resourceType: 'Patient', ...search }), problem).to.deep.equal([problem]);
    for (const search of [
      { resourceType: 'patient' },
      { resourceType: 'Patient/..' },
      { parameters: { 'a&b': 'c' } },
      { parameters: { name: '' } },
      { find: { text: 'name' } },
      { pageSize: 51 },
    ])
      expect(await problemsOf({ resourceType: 'Patient', ...search }), JSON.stringify(search)).to.have.length.above(0);
  });

  const refused: [string, (document: Document) => void][] = [
    ['a demo tenant on a public issuer', (document) => (document['issuer'] = 'https://auth.example/demo')],
    [
      'a demo key on a public issuer',
      (document) => Object.assign(document, { issuer: 'https://auth.example/demo', demo: false }),
    ],
    ['CODAP without its script', (document) => (document['scripts'] = { callbacks: 'callbacks.js' })],
    ['a script outside the folder', (document) => (document['scripts'] = { callbacks: '../partner/callbacks.js' })],
    [
      'an app with the name that the tenant goes by itself',
      (document) => Object.assign(document.clients[0] as object, { clientId: 'sallyport-scripts' }),
    ],
    ['a script that is missing', (document) => (document['scripts'] = { callbacks: 'nothing.js' })],
    [
      'a redirect URI with a fragment',
      (document) => Object.assign(document.clients[0] as object, { redirectUris: ['https://app.example/#x'] }),
    ],
    ['two clients of one name', (document) => document.clients.push({ ...document.clients[0] })],
    ['an issuer with a query', (document) => (document['issuer'] = 'http://localhost:9200/demo?x=1')],
    ['inline secrets outside the demo', (document) => (document['demo'] = false)],
  ];
  for (const [what, edit] of refused) {
    it(`refuses ${what}`, async () => {
      expect(await change(edit)).not.to.deep.equal([]);
    });
  }

  it('keeps the last valid tenant when its new document is broken, and takes the mended one', async () => {
    const opened = await openTenantDirectory({ path: config });
    if (!opened.ok) throw new Error('the demo does not load');
    const { directory } = opened;
    const path = join(config, 'demo/tenant.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, '{');
    expect(await directory.reload()).to.have.length(1);
    expect(directory.byId('demo')?.name).to.equal('Demo Hospital');
    await writeFile(path, text.replace('Demo Hospital', 'Renamed Hospital'));
    expect(await directory.reload()).to.deep.equal([]);
    expect(directory.byId('demo')?.name).to.equal('Renamed Hospital');
    expect(directory.byLocation('localhost:9200', '/demo/oauth/token')?.id).to.equal('demo');
    expect(directory.byLocation('localhost:9200', '/demolition')).to.equal(undefined);
    expect(directory.byLocation('evil.example', '/demo')).to.equal(undefined);
    directory.close();
  });

  it('says at the start, and once, what is probably not meant', async () => {
    const path = join(config, 'demo/tenant.json');
    const users = [{ username: 'jo', password: { file: 'jo.txt' } }];
    await writeFile(path, JSON.stringify({ id: 'one', name: 'One', issuer: 'https://auth.example/one', users }));
    await writeFile(join(config, 'demo/jo.txt'), 'brief');
    const told: string[] = [];
    const opened = await openTenantDirectory({
      path: join(config, 'demo'),
      logger: { info: () => undefined, warn: (line) => void told.push(line), error: () => undefined },
    });
    if (!opened.ok) throw new Error(JSON.stringify(opened.problems));
    const ofJo = () =>
      told.filter((line) => line.includes('/users/0/password: found a password that is refused elsewhere (too-short)'));
    expect(ofJo(), told.join('\n')).to.have.length(1);
    await opened.directory.reload();
    expect(ofJo()).to.have.length(1);
    expect(told.join()).not.to.include('brief');
    opened.directory.close();
  });

  it('refuses a longest password that is shorter than the shortest', async () => {
    const problems = await change((document) => {
      document['passwords'] = { minimumLength: 100, maximumLength: 64 };
    });
    expect(problems.map(({ code, pointer }) => `${code} ${pointer}`)).to.deep.equal([
      'password-length /passwords/maximumLength',
    ]);
  });

  it('tries a tenant again that could not be made ready, and says so once', async () => {
    const path = join(config, 'demo/tenant.json');
    const text = await readFile(path, 'utf8');
    let failures = 3;
    const told: object[] = [];
    const opened = await openTenantDirectory({
      path: config,
      retryMilliseconds: 20,
      logger: { info: () => undefined, warn: () => undefined, error: (fields) => void told.push(fields) },
      async onChange() {
        failures -= 1;
        if (failures >= 0) throw new Error('the store is away');
      },
    });
    if (!opened.ok) throw new Error('the demo does not load');
    const { directory } = opened;
    await writeFile(path, text.replace('Demo Hospital', 'Renamed Hospital'));
    const [problem] = await directory.reload();
    expect(problem?.message).to.include('the store is away');
    expect(directory.byId('demo')?.name).to.equal('Demo Hospital');
    for (let attempt = 0; attempt < 200 && directory.byId('demo')?.name !== 'Renamed Hospital'; attempt += 1)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(directory.byId('demo')?.name).to.equal('Renamed Hospital');
    expect(failures).to.equal(-1);
    expect(told).to.have.length(1);
    directory.close();
  });

  it('reads the environment, and refuses unknown names and bad values', async () => {
    const good = await loadServerSettings({ PORT: '1234', SALLYPORT_CONFIG: config });
    expect(good.ok && good.settings).to.include({ port: 1234, host: '127.0.0.1', config });
    expect(good.ok && good.settings.auditRetentionDays, 'six years').to.equal(2_192);
    const shorter = await loadServerSettings({ SALLYPORT_AUDIT_RETENTION_DAYS: '400', SALLYPORT_CONFIG: config });
    expect(shorter.ok && shorter.settings.auditRetentionDays).to.equal(400);
    for (const text of ['0', '-1', 'for ever', '1e9']) {
      const refused = await loadServerSettings({ SALLYPORT_AUDIT_RETENTION_DAYS: text, SALLYPORT_CONFIG: config });
      expect(refused.ok, text).to.equal(false);
    }
    const bad = await loadServerSettings({ SALLYPORT_CONFG: 'x', PORT: 'many', SALLYPORT_CONFIG: config });
    expect(bad.ok).to.equal(false);
    if (!bad.ok) expect(bad.problems.map(({ hint }) => hint).join()).to.include('SALLYPORT_CONFIG');
  });
});
