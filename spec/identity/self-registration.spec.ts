/** People make accounts for themselves: once the mail is opened, and never with more than the tenant gives everybody. */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Admin, asAdmin } from '../admin/support.ts';
import { authorizationRequest, redeem } from '../support/oauth.ts';
import { createRegistrationsWait } from '../../engine/mail/registrations-wait.ts';
import { createPerson, type Page, type Person } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const password = 'a lantern for an otter';
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const textOf = ({ body }: Page) =>
  body
    .replace(/<option.*?<\/option>/gs, ' ')
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('&#39;', "'")
    .replace(/\s+/g, ' ');
const hrefOf = ({ body }: Page, part: string): string =>
  [...body.matchAll(/href="([^"]*)"/g)]
    .map(([, href = '']) => href.replaceAll('&#x2F;', '/').replaceAll('&#x3D;', '='))
    .find((href) => href.includes(part)) ?? '';

const settings = {
  enabled: true,
  username: 'chosen',
  minimumSeconds: 0,
  perMinute: 1000,
  linkSeconds: 3600,
  authorities: [{ permission: 'ROLE_FHIR_CLIENT' }],
  authoritiesScriptsMayAdd: ['FHIR_READ_ALL_IN_COMPARTMENT'],
  fields: [
    { name: 'givenName', required: true },
    { name: 'phone' },
    { name: 'birthDate' },
    { name: 'memberNumber', label: { en: 'Member number' }, pattern: '[0-9]{8}', maxLength: 8 },
    {
      name: 'region',
      label: { en: 'Region', de: 'Gegend' },
      type: 'choice',
      choices: [{ value: 'north', label: { en: 'The North', de: 'Der Norden' } }],
    },
    { name: 'slow', label: { en: 'Slow' }, pattern: '(a+)+b', maxLength: 200 },
    { name: 'constructor', label: { en: 'Builder' } },
  ],
};

/** Does what the given name asks for. */
const callback = `
function onSelfRegistration(theUserSession, theOutcomeFactory, theContext) {
  const plan = theUserSession.givenName;
  if (plan === 'Refused') {
    const failure = theOutcomeFactory.newFailure();
    failure.message = 'Your member number is <b>not</b> known.';
    return failure;
  }
  if (plan === 'Broken') throw new Error('the registry is down');
  if (plan === 'Renamed') theUserSession.username = 'root';
  if (plan === 'Readdressed') theUserSession.email = 'root@home.example';
  if (plan === 'Superuser') theUserSession.addAuthority('ROLE_SUPERUSER');
  if (plan === 'Odd') return 'yes';
  if (plan !== 'Enriched') return;
  theUserSession.givenName = 'Wanda';
  theUserSession.fhirUserUrl = 'https://fhir.example/Patient/7';
  theUserSession.addAuthority('FHIR_READ_ALL_IN_COMPARTMENT', 'Patient/7');
  theUserSession.getOrCreateDefaultLaunchContext('patient').resourceId = '7';
  theUserSession.setUserData('seen', { phone: theContext.phone, clientId: theContext.clientId, mail: theUserSession.email });
  return theUserSession;
}
`;

describe('self-registration', function () {
  this.timeout(120_000);
  let server: TestServer;
  let admin: Admin;
  let count = 0;
  before(async () => {
    server = await startTestServer({
      environment: { SALLYPORT_TRUST_PROXY: '127.0.0.1' },
      prepare: async (config) => {
        const path = join(config, 'demo/tenant.json');
        const document = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
        // Another script stands for this app; who registers must not choose it as their judge.
        await writeFile(join(config, 'demo/bound.js'), 'function onPostAuthorize(theDetails) {}');
        const scripts = {
          ...(document['scripts'] as object),
          bound: [{ id: 'native', script: 'bound.js', clients: ['sample-native'], flows: ['self-registration'] }],
        };
        await writeFile(path, JSON.stringify({ ...document, scripts, selfRegistration: settings }));
        await cp(join(config, 'demo'), join(config, 'careful'), { recursive: true });
        await writeFile(
          join(config, 'demo/callbacks.js'),
          `${await readFile(join(config, 'demo/callbacks.js'), 'utf8')}${callback}`,
        );
        const issuer = String(document['issuer']).replace('demo', 'careful');
        await writeFile(
          join(config, 'careful/tenant.json'),
          JSON.stringify({
            ...document,
            id: 'careful',
            issuer,
            fhirServers: [{ name: 'r4', url: `${issuer}/fhir/r4` }],
            selfRegistration: { ...settings, approval: { enabled: true, mailTo: ['desk@careful.example'] } },
          }),
        );
        const partner = JSON.parse(await readFile(join(config, 'partner/tenant.json'), 'utf8')) as object;
        await writeFile(
          join(config, 'partner/tenant.json'),
          JSON.stringify({
            ...partner,
            selfRegistration: { enabled: true, minimumSeconds: 2, perMinute: 3 },
            inbound: [{ type: 'local', id: 'local' }],
          }),
        );
      },
    });
    admin = await asAdmin(server);
  });
  after(() => server.close());

  const visitor = (more: Readonly<Record<string, string>> = {}): Person => {
    count += 1;
    return createPerson(server.url, { 'x-forwarded-for': `10.3.${count >> 8}.${count & 255}`, ...more });
  };
  const somebody = () => {
    count += 1;
    return { email: `new-${count}@home.example`, username: `newcomer-${count}`, givenName: 'Wanda' };
  };
  const address = () => `${server.issuer}/register`;
  async function ask(person: Person, answers: Readonly<Record<string, string>>, given?: Page): Promise<Page> {
    const page = given ?? (await person.open(address()));
    const terms = /name="terms" value="([^"]+)"/.exec(page.body)?.[1];
    return person.submit(page, { ...(terms === undefined ? {} : { terms }), ...answers, do: 'register' });
  }
  async function mailsTo(email: string): Promise<readonly string[]> {
    const { body } = await createPerson(server.url).open(`${server.url}/mail`);
    return [...body.matchAll(/<article[^]*?<\/article>/g)]
      .map(([one]) => one)
      .filter((one) => one.includes(`to ${email},`));
  }
  async function mailTo(email: string): Promise<string> {
    for (let round = 0; round < 200; round += 1) {
      const [mail] = await mailsTo(email);
      if (mail !== undefined) return mail;
      await wait(25);
    }
    throw new Error(`no mail to ${email}`);
  }
  const linkIn = (mail: string) => /href="(http:\/\/[^"]*\/register\/confirm\?link=[\w-]{43})"/.exec(mail)?.[1] ?? '';
  const link = async (answers: { readonly email: string } & Readonly<Record<string, string>>, person = visitor()) => {
    await ask(person, answers);
    return linkIn(await mailTo(answers.email));
  };
  const create = (person: Person, page: Page, more: Readonly<Record<string, string>> = {}) =>
    person.submit(page, { password, again: password, do: 'create', ...more });
  const logsIn = async (username: string, word = password): Promise<boolean> => {
    const person = visitor();
    const page = await person.open(authorizationRequest(server).url);
    const next = await person.submit(page, { username, password: word, do: 'login' });
    return !textOf(next).includes('password is wrong');
  };
  const accountOf = async (username: string) => {
    const found = (await admin('GET', `/tenants/demo/users?search=${encodeURIComponent(username)}`)).body['items'];
    return (found as Record<string, unknown>[]).find((one) => one['username'] === username);
  };

  it('leads from the log-in through the mail back to the app', async () => {
    const person = visitor();
    const { url, verifier } = authorizationRequest(server);
    const login = await person.open(url);
    const form = await person.open(hrefOf(login, '/register'));
    expect(textOf(form)).to.include('Then you go on to');
    const { email, username } = somebody();
    const answers = {
      email,
      username,
      givenName: 'Wanda',
      phone: '+41 44 123 45 67',
      birthDate: '1984-06-02',
      memberNumber: '12345678',
      region: 'north',
      constructor: 'Bob',
    };
    expect(textOf(await ask(person, answers, form))).to.include('A mail is on its way');
    const mail = await mailTo(email);
    expect(mail, 'nothing that was entered').not.to.include('Wanda').and.not.include(username);
    const confirm = await person.open(linkIn(mail));
    expect(textOf(confirm)).to.include('Wanda').and.include('The North').and.include('June 2, 1984');
    expect(await accountOf(username), 'no account before it is confirmed').to.equal(undefined);
    expect(await logsIn(username)).to.equal(false);
    const done = await create(person, confirm);
    expect(textOf(done)).to.include('Your account is ready');
    const again = await person.open(hrefOf(done, '/login/'));
    expect(again.body).to.include(`value="${username}"`);
    expect(await accountOf(username)).to.deep.include({
      email,
      givenName: 'Wanda',
      phone: '+41 44 123 45 67',
      enabled: true,
      authorities: [{ permission: 'ROLE_FHIR_CLIENT' }],
      userData: { birthDate: '1984-06-02', memberNumber: '12345678', region: 'north', constructor: 'Bob' },
    });
    const app = await person.walk(again, { username, password });
    expect((await redeem(server, app.searchParams.get('code') ?? '', verifier)).status).to.equal(200);
    const events = (await admin('GET', '/tenants/demo/audit?limit=100')).body['items'] as { type: string }[];
    expect(events.map(({ type }) => type)).to.include.members(['registration.asked', 'flow.self-registration']);
    expect(JSON.stringify(events)).not.to.include(email);
  });

  it('keeps the agreement to the terms for the app that the person came from, and for no other', async () => {
    const who = somebody();
    const person = visitor();
    const login = await person.open(authorizationRequest(server).url);
    const form = await person.open(hrefOf(login, '/register'));
    expect(form.body).to.include('sample text for the demonstration');
    for (const terms of ['', '1999-01', 'yes']) {
      const refused = await ask(person, { ...who, terms }, form);
      expect(textOf(refused)).to.include('There is no account without this');
    }
    expect(await mailsTo(who.email)).to.deep.equal([]);
    await ask(person, who, form);
    const confirm = await person.open(linkIn(await mailTo(who.email)));
    expect(textOf(confirm)).to.include('With the account you accept the terms of service, version 2026-01');
    const done = await create(person, confirm);
    const id = String((await accountOf(who.username))?.['id']);
    const termsOf = async () => (await admin('GET', `/tenants/demo/users/${id}/terms`)).body['items'] as object[];
    expect(await termsOf()).to.have.length(1);
    expect((await termsOf())[0]).to.include({ clientId: 'sample-native', version: '2026-01' });
    const next = await person.submit(await person.open(hrefOf(done, '/login/')), {
      username: who.username,
      password,
      do: 'login',
    });
    expect(next.body, 'the terms are not asked for again').not.to.include('value="accept"');
    const elsewhere = somebody();
    const other = visitor();
    await create(other, await other.open(await link(elsewhere, other)));
    const otherId = String((await accountOf(elsewhere.username))?.['id']);
    expect((await admin('GET', `/tenants/demo/users/${otherId}/terms`)).body['items']).to.deep.equal([]);
  });

  it('takes nothing but the fields of the tenant', async () => {
    const who = somebody();
    const person = visitor();
    const opened = await link(
      { ...who, authorities: 'ROLE_SUPERUSER', enabled: 'false', familyName: 'Not asked', id: 'root', notes: 'x' },
      person,
    );
    await create(person, await person.open(opened), {
      authorities: 'ROLE_SUPERUSER',
      id: 'root',
      email: 'x@y.example',
    });
    const account = await accountOf(who.username);
    expect(account).to.deep.include({ email: who.email, authorities: settings.authorities, userData: {} });
    expect(account).not.to.have.any.keys('familyName', 'notes');
    expect(account?.['id']).not.to.equal('root');
  });

  it('speaks the language of the person, in the form and in the mail', async () => {
    const person = visitor({ 'accept-language': 'de-CH' });
    const page = await person.open(address());
    expect(textOf(page)).to.include('Konto anlegen').and.include('Gegend').and.include('Member number');
    const who = somebody();
    await ask(person, who, page);
    expect(await mailTo(who.email))
      .to.include('Ihr Konto bei')
      .and.include('1 Stunde');
  });

  describe('asks again for', () => {
    for (const [title, more, said] of [
      ['a mail address that is none', { email: 'wanda' }, 'no mail address'],
      ['two mail addresses', { email: 'a@home.example, b@home.example' }, 'no mail address'],
      ['a mail address with a line break', { email: 'a@home.example\nBcc: b@home.example' }, 'no mail address'],
      ['a user name like a mail address', { username: 'victim@home.example' }, 'cannot be a user name'],
      ['a user name like that of a provider’s user', { username: 'partner:abc' }, 'cannot be a user name'],
      ['a user name of look-alike letters', { username: 'аdmin' }, 'cannot be a user name'],
      ['a user name of one letter', { username: 'a' }, 'cannot be a user name'],
      ['a required answer', { givenName: ' ' }, 'Please fill this in'],
      ['a name with control characters', { givenName: 'Wan\u0007da' }, 'right form'],
      ['a name that turns the text around', { givenName: 'Wan\u202Eda' }, 'right form'],
      ['a name that is too long', { givenName: 'x'.repeat(201) }, 'too long'],
      ['a telephone number that is none', { phone: 'call me' }, 'no telephone number'],
      ['a day that does not exist', { birthDate: '1984-02-30' }, 'no day'],
      ['a birth in the future', { birthDate: '2999-01-01' }, 'no day'],
      ['what does not match its pattern', { memberNumber: '1234567' }, 'right form'],
      ['what matches its pattern only in part', { slow: 'cab' }, 'right form'],
      ['what is no choice', { region: 'south' }, 'right form'],
    ] as const)
      it(title, async () => {
        const who = { ...somebody(), ...more };
        const page = await ask(visitor(), who);
        expect(textOf(page)).to.include('look at the marked fields').and.include(said);
        expect(page.body).to.include('aria-invalid');
      });

    it('what makes its pattern run for ever, at once', async () => {
      const began = performance.now();
      const page = await ask(visitor(), { ...somebody(), slow: 'a'.repeat(40) });
      expect(textOf(page)).to.include('right form');
      expect(performance.now() - began).to.be.below(2000);
    });

    it('and keeps what was right', async () => {
      const page = await ask(visitor(), { ...somebody(), givenName: '"><b>Wanda', phone: 'x' });
      expect(page.body).to.include('value="&quot;&gt;&lt;b&gt;Wanda"');
    });
  });

  describe('tells nobody who has an account', () => {
    it('by text and status; the mail alone says so, to who owns the address', async () => {
      const known = somebody();
      await admin('POST', '/tenants/demo/users', { ...known, password });
      const answers = new Set<string>();
      const other = somebody();
      for (const who of [
        somebody(),
        { ...other, email: known.email.toUpperCase() },
        { ...somebody(), username: known.username },
        known,
      ]) {
        const page = await ask(visitor(), who);
        answers.add(`${page.status} ${page.body}`);
      }
      expect([...answers]).to.have.length(1);
      await mailTo(known.email.toUpperCase());
      const told = (await mailsTo(known.email.toUpperCase()))[0] ?? '';
      expect(told).to.include('There is one already').and.include(known.username);
      expect(linkIn(told)).to.equal('');
      expect(await accountOf(other.username)).to.equal(undefined);
    });

    it('by time: the median for who is known is about that for who is not', async () => {
      await admin('POST', '/tenants/demo/users', {
        username: 'well-known',
        email: 'well-known@home.example',
        password,
      });
      const times: Record<'known' | 'unknown', number[]> = { known: [], unknown: [] };
      for (let round = 0; round < 24; round += 1)
        for (const which of ['known', 'unknown'] as const) {
          const person = visitor();
          const page = await person.open(address());
          const who = somebody();
          const began = performance.now();
          await ask(
            person,
            which === 'known' ? { ...who, email: 'well-known@home.example', username: 'well-known' } : who,
            page,
          );
          times[which].push(performance.now() - began);
        }
      const median = (values: number[]) => values.toSorted((left, right) => left - right)[values.length >> 1] ?? 0;
      const ratio = median(times.known) / median(times.unknown);
      expect(ratio).to.be.above(0.5).and.below(2);
    });

    it('and takes a user name that was taken meanwhile for nobody but who proved a mail address', async () => {
      const taken = somebody();
      await admin('POST', '/tenants/demo/users', { username: taken.username.toUpperCase(), password });
      const person = visitor();
      const opened = await link(taken, person);
      const refused = await create(person, await person.open(opened));
      expect(textOf(refused)).to.include('Somebody else has this user name');
      for (const username of ['no@good.example', 'x'.repeat(80)])
        expect(textOf(await create(person, refused, { username }))).to.include('cannot be a user name');
      const free = `${taken.username}-free`;
      expect(textOf(await create(person, refused, { username: free }))).to.include('Your account is ready');
      expect(await logsIn(free)).to.equal(true);
    });

    it('nor lets one link try user names without end', async () => {
      const who = somebody();
      const person = visitor();
      let page = await person.open(await link(who, person));
      const said: string[] = [];
      for (let round = 0; round < 7; round += 1) {
        page = await create(person, page, { username: 'drsmith' });
        said.push(textOf(page).includes('Too many names were tried') ? 'later' : 'taken');
      }
      expect(said).to.deep.equal([...Array.from({ length: 5 }, () => 'taken'), 'later', 'later']);
    });
  });

  describe('a link', () => {
    const expectGone = (page: Page) => {
      expect(page.status).to.equal(410);
      expect(textOf(page)).to.include('This link cannot be used any more');
    };

    it('does nothing when it is opened, however often, by whatever looks at mail', async () => {
      const who = somebody();
      const opened = await link(who);
      for (const method of ['GET', 'HEAD', 'GET'])
        expect((await fetch(opened, { method, redirect: 'manual' })).status).to.equal(200);
      expect(await accountOf(who.username)).to.equal(undefined);
    });

    it('works in another browser, which chooses the password and is told to go back to the app', async () => {
      const who = somebody();
      const first = visitor();
      const login = await first.open(authorizationRequest(server).url);
      const form = await first.open(hrefOf(login, '/register'));
      await ask(first, who, form);
      const other = visitor();
      const done = await create(other, await other.open(linkIn(await mailTo(who.email))));
      expect(textOf(done)).to.include('Go back to the app');
      expect(hrefOf(done, '/login/')).to.equal('');
      expect(await logsIn(who.username)).to.equal(true);
    });

    it('sent twice makes one account and is answered alike', async () => {
      const who = somebody();
      const person = visitor();
      const opened = await link(who, person);
      const page = await person.open(opened);
      const words = ['first of the two', 'second of the two'];
      const pages = await Promise.all(words.map((word) => create(person, page, { password: word, again: word })));
      for (const one of pages) expect(textOf(one)).to.include('Your account is ready');
      const works = await Promise.all(words.map((word) => logsIn(who.username, word)));
      expect(works.filter(Boolean)).to.have.length(1);
      expect(textOf(await person.open(opened))).to.include('Your account is ready');
      expect(textOf(await create(person, page, { password: 'a third of them', again: 'a third of them' }))).to.include(
        'ready',
      );
      expect(await logsIn(who.username, 'a third of them')).to.equal(false);
    });

    it('is still good after a password that may not be set, which is told as elsewhere', async () => {
      const who = somebody();
      const person = visitor();
      const page = await person.open(await link(who, person));
      const short = await create(person, page, { password: 'brief', again: 'brief' });
      expect(textOf(short)).to.include('The account was not created: It needs at least 8 characters.');
      const named = await create(person, page, { password: `${who.username}!!`, again: `${who.username}!!` });
      expect(textOf(named)).to.include('contains your name');
      expect(textOf(await create(person, page, { again: 'another one' }))).to.include('not the same');
      expect(textOf(await create(person, short))).to.include('Your account is ready');
    });

    it('can be thrown away by who never asked', async () => {
      const who = somebody();
      const opened = await link(who);
      const owner = visitor();
      const page = await owner.open(opened);
      expect(textOf(await owner.submit(page, { do: 'discard' }))).to.include('Nothing was created');
      expectGone(await owner.open(opened));
      expectGone(await create(owner, page));
      expect(await accountOf(who.username)).to.equal(undefined);
    });

    it('is not followed without its form', async () => {
      const who = somebody();
      const opened = await link(who);
      const form = new URLSearchParams({ password, again: password, do: 'create' });
      expect((await visitor().open(opened, form)).status).to.equal(403);
      const csrf = /name="csrf" value="([^"]+)"/.exec((await visitor().open(opened)).body)?.[1] ?? '';
      form.set('csrf', csrf);
      expect((await visitor().open(opened, form)).status).to.equal(403);
      expect(await accountOf(who.username)).to.equal(undefined);
    });

    it('is of no use when somebody else proved the address first', async () => {
      const email = `shared-${count}@home.example`;
      const [one, two] = [somebody(), somebody()];
      const first = visitor();
      const opened = await link({ ...one, email }, first);
      const page = await first.open(opened);
      await admin('POST', '/tenants/demo/users', { username: two.username, email: email.toUpperCase(), password });
      expect(textOf(await create(first, page))).to.include('You have an account already');
      expect(await accountOf(one.username)).to.equal(undefined);
    });

    it('keeps neither user name nor address from others before it is used', async () => {
      const who = somebody();
      await link(who);
      const other = somebody();
      const person = visitor();
      const opened = await link({ ...other, username: who.username }, person);
      expect(textOf(await create(person, await person.open(opened)))).to.include('Your account is ready');
    });

    for (const [title, query] of [
      ['that was never sent', `?link=${'A'.repeat(43)}`],
      ['that is cut short', '?link=abc'],
      ['without its word', ''],
      ['with two words', `?link=${'A'.repeat(43)}&link=${'B'.repeat(43)}`],
    ])
      it(`${title} shows that it is gone`, async () => {
        expectGone(await visitor().open(`${address()}/confirm${query}`));
      });

    it('is of one tenant, and of the tenant’s own address whatever host was asked', async () => {
      const who = somebody();
      const opened = await link(who, visitor({ 'x-forwarded-host': 'evil.example' }));
      expect(opened).to.match(new RegExp(`^${server.issuer}/`));
      expectGone(await visitor().open(opened.replace('/demo/', '/partner/')));
    });

    it('leads on to nothing but a log-in that waits in this browser', async () => {
      const who = somebody();
      const person = visitor();
      const form = await person.open(`${address()}?flow=${'A'.repeat(43)}`);
      expect(hrefOf(form, '/login/')).to.equal('');
      await ask(person, who, form);
      const done = await create(person, await person.open(linkIn(await mailTo(who.email))));
      expect(hrefOf(done, '/login/')).to.equal('');
      const page = await person.open(`${address()}?flow=${encodeURIComponent('//evil.example')}`);
      expect(page.body).not.to.include('evil.example');
    });
  });

  describe('that a callback judges', () => {
    const attempt = async (givenName: string) => {
      const who = { ...somebody(), givenName };
      const person = visitor();
      const opened = await link(who, person);
      return { ...who, person, opened, page: await create(person, await person.open(opened)) };
    };

    it('is enriched within the bounds of the tenant', async () => {
      const who = { ...somebody(), givenName: 'Enriched', phone: '+41 44 123 45 67' };
      const person = visitor();
      const login = await person.open(authorizationRequest(server).url);
      await ask(person, who, await person.open(hrefOf(login, '/register')));
      const page = await create(person, await person.open(linkIn(await mailTo(who.email))));
      expect(textOf(page)).to.include('Your account is ready');
      expect(await accountOf(who.username)).to.deep.include({
        givenName: 'Wanda',
        fhirUser: 'https://fhir.example/Patient/7',
        authorities: [
          { permission: 'ROLE_FHIR_CLIENT' },
          { permission: 'FHIR_READ_ALL_IN_COMPARTMENT', argument: 'Patient/7' },
        ],
        defaultLaunchContexts: [{ contextType: 'patient', resourceId: '7' }],
        userData: { seen: { phone: '+41 44 123 45 67', clientId: 'sample-native', mail: who.email } },
      });
      expect(await logsIn(who.username)).to.equal(true);
    });

    it('is refused with a message that the person reads, and may be tried again', async () => {
      const { page, username, person, opened } = await attempt('Refused');
      expect(textOf(page)).to.include('Your request was not accepted');
      expect(page.body).to.include('Your member number is &lt;b&gt;not&lt;&#x2F;b&gt; known.');
      expect(await accountOf(username)).to.equal(undefined);
      expect((await person.open(opened)).body).to.include('name="password"');
      const events = (await admin('GET', '/tenants/demo/audit?limit=50')).body['items'] as Record<string, unknown>[];
      expect(events.find(({ type }) => type === 'flow.self-registration')).to.include({
        outcome: 'failure',
        reason: 'onSelfRegistration-denied',
      });
    });

    for (const plan of ['Broken', 'Renamed', 'Readdressed', 'Superuser', 'Odd'])
      it(`makes no account where the callback leaves its bounds: ${plan}`, async () => {
        const { page, username } = await attempt(plan);
        expect(page.status).to.equal(500);
        expect(page.body).not.to.include('registry is down');
        expect(await accountOf(username)).to.equal(undefined);
        expect(await accountOf('root')).to.equal(undefined);
      });

    it('is not asked without end with one link', async () => {
      const { person, opened } = await attempt('Refused');
      const form = await person.open(opened);
      const said: boolean[] = [];
      for (let round = 0; round < 5; round += 1)
        said.push(textOf(await create(person, form)).includes('Please wait a minute'));
      expect(said).to.deep.equal([false, false, false, false, true]);
    });
  });

  describe('that an administrator approves', () => {
    const registrations = '/tenants/careful/registrations';
    const careful = () => `${server.url}/careful/register`;
    async function pending(more: Readonly<Record<string, string>> = {}) {
      const who = { ...somebody(), ...more };
      const person = visitor();
      await ask(person, who, await person.open(careful()));
      const opened = linkIn(await mailTo(who.email));
      const done = await create(person, await person.open(opened));
      expect(textOf(done)).to.include('One more step: approval');
      const items = (await admin('GET', registrations)).body['items'] as Record<string, unknown>[];
      const item = items.find(({ email }) => email === who.email);
      return { ...who, person, opened, item: item ?? {}, at: `${registrations}/${String(item?.['id'])}` };
    }
    const mailOf = async (email: string, part: string): Promise<string> => {
      for (let round = 0; round < 200; round += 1) {
        const found = (await mailsTo(email)).find((mail) => mail.includes(part));
        if (found !== undefined) return found;
        await wait(25);
      }
      throw new Error(`no mail to ${email} with ${part}`);
    };
    const carefulUsers = async () =>
      (await admin('GET', '/tenants/careful/users')).body['items'] as { username: string }[];
    const login = async (username: string) => {
      const person = visitor();
      const url = authorizationRequest(server).url.replaceAll('/demo', '/careful').replaceAll('%2Fdemo', '%2Fcareful');
      return textOf(await person.submit(await person.open(url), { username, password, do: 'login' }));
    };

    it('waits without an account, is seen by administrators, and logs in once it is approved', async () => {
      const { item, username, email, at, opened, person } = await pending({ phone: '+41 44 123 45 67' });
      expect(item).to.include({ username, email, givenName: 'Wanda', phone: '+41 44 123 45 67' });
      expect(JSON.stringify(item)).not.to.include('argon2').and.not.include('password');
      expect((await carefulUsers()).map((one) => one.username)).not.to.include(username);
      expect(await login(username)).to.include('password is wrong');
      expect(textOf(await person.open(opened))).to.include('One more step');
      const approved = await admin('POST', `${at}/approve`);
      expect(approved.status, JSON.stringify(approved.body)).to.equal(200);
      expect(approved.body).to.include({ told: true });
      expect(await mailOf(email, 'is ready')).to.include(username);
      expect(await login(username)).not.to.include('password is wrong');
      expect(textOf(await person.open(opened))).to.include('Your account is ready');
      expect((await admin('POST', `${at}/approve`)).status).to.equal(404);
      expect((await admin('POST', `${at}/refuse`)).status).to.equal(404);
      const events = (await admin('GET', '/tenants/careful/audit?limit=100')).body['items'] as { type: string }[];
      expect(events.map(({ type }) => type)).to.include('admin.registration.approved');
    });

    it('is told to the desk, once for all of an hour, with nothing of who they are', async () => {
      const { email, username } = await pending();
      await pending();
      const told = await mailOf('desk@careful.example', 'people wait for an account');
      expect(told)
        .to.match(/Waiting now: \d/)
        .and.not.include(email)
        .and.not.include(username);
      await wait(100);
      expect(await mailsTo('desk@careful.example')).to.have.length(1);
    });

    it('is told again after that time where somebody still waits, and by one node only', async () => {
      const mails: string[] = [];
      const seen = new Set<string>();
      let waiting = 1;
      const span = 600;
      const node = (send: () => void = () => undefined) =>
        createRegistrationsWait({
          mailer: {
            canSend: () => true,
            async send(_tenant, { to }) {
              send();
              mails.push(to);
            },
          },
          pages: { mail: () => ({ subject: '', text: '', html: '' }) },
          registrations: { listPending: async () => Array.from({ length: waiting }) },
          replays: { remember: async (_tenant, _space, value) => !seen.has(value) && seen.add(value) === seen },
          tenant: () => ({ selfRegistration: { approval: { mailTo: ['desk'], mailMinutes: span / 60_000 } } }) as never,
          failed: (_tenant, reason) => mails.push(reason),
          now: Date.now,
        });
      const [one, other] = [node(), node()];
      for (let round = 0; round < 3; round += 1) for (const each of [one, other]) each.note('careful');
      await wait(50);
      expect(mails).to.deep.equal(['desk']);
      await wait(2 * span);
      expect(mails.length).to.be.within(2, 3);
      const count = mails.length;
      // Whom an administrator decided about meanwhile nobody is told of.
      waiting = 0;
      one.note('careful');
      await wait(2 * span);
      expect(mails).to.have.length(count);
      one.close();
      other.close();
      seen.clear();
      waiting = 1;
      const broken = node(() => {
        throw new Error('the mail was not taken');
      });
      broken.note('careful');
      await wait(20);
      broken.close();
      expect(mails.at(-1)).to.equal('the mail was not taken');
    });

    it('is forgotten when it is refused, and the person reads why', async () => {
      const { email, username, at, person, opened } = await pending();
      const refused = await admin('POST', `${at}/refuse`, { message: 'Please come to the desk.' });
      expect(refused.body).to.deep.equal({ told: true });
      expect(await mailOf(email, 'not approved')).to.include('Please come to the desk.');
      expect((await admin('GET', at)).status).to.equal(404);
      expect((await person.open(opened)).status).to.equal(410);
      expect((await carefulUsers()).map((one) => one.username)).not.to.include(username);
    });

    it('says to who asks again that it waits, by mail only, and keeps the name meanwhile', async () => {
      const { email, username } = await pending();
      const person = visitor();
      const again = await ask(person, { ...somebody(), email: email.toUpperCase() }, await person.open(careful()));
      expect(textOf(again)).to.include('A mail is on its way');
      // The second mail to one address within a minute is not sent, so it is another node's to send it; the name is kept.
      const other = { ...somebody(), username: username.toUpperCase() };
      const second = visitor();
      await ask(second, other, await second.open(careful()));
      const page = await create(second, await second.open(linkIn(await mailTo(other.email))));
      expect(textOf(page)).to.include('Somebody else has this user name');
    });

    it('is not approved over somebody who is there by now', async () => {
      const { username, at, email } = await pending();
      await admin('POST', '/tenants/careful/users', { username, password });
      const refused = await admin('POST', `${at}/approve`);
      expect(refused.status).to.equal(409);
      expect(refused.body).to.include({ code: 'username-taken' });
      expect((await mailsTo(email)).some((mail) => mail.includes('is ready'))).to.equal(false);
    });
  });

  describe('a bot', () => {
    const partner = () => `${server.url}/partner/register`;

    it('that fills in the hidden field is told what everybody is told, and nothing is sent', async () => {
      const who = somebody();
      const page = await ask(visitor(), { ...who, website: 'https://spam.example' });
      expect(textOf(page)).to.include('A mail is on its way');
      const control = somebody();
      await link(control);
      expect(await mailsTo(who.email)).to.deep.equal([]);
    });

    it('that is quicker than people is asked once more', async () => {
      const person = visitor();
      const who = { email: somebody().email, givenName: 'Wanda', familyName: 'Doe' };
      const page = await person.open(partner());
      const refused = await ask(person, who, page);
      expect(textOf(refused)).to.include('quicker than people type');
      await wait(2100);
      expect(textOf(await ask(person, who, refused))).to.include('A mail is on its way');
    });

    it('without the form, or with one of another browser or one that it made, is turned away', async () => {
      const who = somebody();
      expect((await visitor().open(address(), new URLSearchParams(who))).status).to.equal(403);
      const csrf = /name="csrf" value="([^"]+)"/.exec((await visitor().open(address())).body)?.[1] ?? '';
      const other = visitor();
      await other.open(address());
      const [stamp = '', mac = ''] = csrf.split('.');
      for (const token of [csrf, mac, `.${mac}`, `${stamp}.`, `0.${mac}`, stamp])
        expect((await other.open(address(), new URLSearchParams({ ...who, csrf: token }))).status, token).to.equal(403);
    });

    it('of one address is slowed down after five forms', async () => {
      const person = visitor();
      const page = await person.open(address());
      const statuses: number[] = [];
      for (let round = 0; round < 7; round += 1) statuses.push((await ask(person, somebody(), page)).status);
      expect(statuses).to.deep.equal([200, 200, 200, 200, 200, 429, 429]);
    });

    it('of many addresses is slowed down for the whole tenant', async () => {
      const person = visitor();
      const page = await person.open(partner());
      await wait(2100);
      const statuses: number[] = [];
      for (let round = 0; round < 4; round += 1) {
        const { email } = somebody();
        const form = {
          csrf: /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '',
          email,
          givenName: 'W',
          familyName: 'D',
        };
        const cookie = [...person.cookies].map(([key, value]) => `${key.split(' ')[1]}=${value}`).join('; ');
        const answer = await fetch(partner(), {
          method: 'POST',
          headers: { cookie, 'x-forwarded-for': `10.4.0.${round}` },
          body: new URLSearchParams(form),
        });
        statuses.push(answer.status);
      }
      // One of the three was used above.
      expect(statuses).to.deep.equal([200, 200, 429, 429]);
    });

    it('cannot fill a mailbox: one mail a minute to an address', async () => {
      const who = somebody();
      await link(who);
      for (let round = 0; round < 3; round += 1) await ask(visitor(), who);
      await link(somebody());
      expect(await mailsTo(who.email)).to.have.length(1);
    });
  });

  it('is off unless the tenant and its module want it, and where nobody logs in with a password', async () => {
    const path = join(server.config, 'partner/tenant.json');
    const document = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    const statusOf = async (more: object) => {
      await writeFile(path, JSON.stringify({ ...document, ...more }));
      for (let round = 0; round < 100; round += 1) {
        const { status } = await visitor().open(`${server.url}/partner/register`);
        if (status === 404) return status;
        await wait(50);
      }
      return 200;
    };
    const on = async () => {
      await writeFile(path, JSON.stringify(document));
      for (let round = 0; round < 100; round += 1) {
        if ((await visitor().open(`${server.url}/partner/register`)).status === 200) return;
        await wait(50);
      }
    };
    expect(await statusOf({ inbound: [{ type: 'local', id: 'local', selfRegistration: false }] })).to.equal(404);
    await on();
    expect(await statusOf({ federation: { passwordForm: false } })).to.equal(404);
    await on();
    expect(await statusOf({ selfRegistration: undefined })).to.equal(404);
    await on();
  });
});
