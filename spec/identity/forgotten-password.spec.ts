/** Who forgot the password gets another one by mail, and whoever asks learns nothing about anybody. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Admin, asAdmin } from '../admin/support.ts';
import { authorizationRequest, logIn, postForm, redeem } from '../support/oauth.ts';
import { type MailServer, type Received, startMailServer } from '../support/mail-server.ts';
import { createPerson, type Page, type Person } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const users = '/tenants/demo/users';
const initial = 'a first of many words';
const chosen = 'a lantern for an otter';
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const textOf = ({ body }: Page) => body.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');

describe('a forgotten password', function () {
  this.timeout(120_000);
  let server: TestServer;
  let post: MailServer;
  let admin: Admin;
  let count = 0;
  // Each test asks from an address of its own, as the throttle counts by it.
  const environment = { MAIL_SECRET: 'the-mail-secret', SALLYPORT_TRUST_PROXY: '127.0.0.1' };
  before(async () => {
    post = await startMailServer();
    server = await startTestServer({
      environment,
      prepare: async (config) => {
        for (const tenant of ['demo', 'partner']) {
          const path = join(config, tenant, 'tenant.json');
          const document = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
          document['passwordReset'] = { enabled: tenant === 'demo', linkSeconds: 60 };
          if (tenant === 'demo')
            document['mail'] = {
              from: 'General Hospital <no-reply@hospital.example>',
              smtp: {
                host: '127.0.0.1',
                port: post.port,
                security: 'none',
                username: 'sallyport',
                password: { env: 'MAIL_SECRET' },
              },
            };
          await writeFile(path, JSON.stringify(document));
        }
      },
    });
    admin = await asAdmin(server);
  });
  after(async () => {
    await server.close();
    await post.close();
  });

  const visitor = (): Person => {
    count += 1;
    return createPerson(server.url, { 'x-forwarded-for': `10.1.${count >> 8}.${count & 255}` });
  };
  async function somebody(more: object = {}) {
    count += 1;
    const username = `who-forgot-${count}`;
    const email = `mail-of-${count}@home.example`;
    const made = await admin('POST', users, {
      username,
      email,
      givenName: 'Wanda',
      password: initial,
      authorities: [{ permission: 'ROLE_FHIR_CLIENT' }],
      defaultLaunchContexts: [{ contextType: 'Patient', resourceId: '123' }],
      ...more,
    });
    expect(made.status, JSON.stringify(made.body)).to.equal(201);
    return { username, email, id: String(made.body['id']) };
  }
  const forgotten = () => `${server.issuer}/password/forgotten`;
  const ask = async (person: Person, name: string, page?: Page) =>
    person.submit(page ?? (await person.open(forgotten())), { username: name });
  const mailsTo = (email: string) => post.mails.filter(({ to }) => to.includes(email));
  async function mailTo(email: string, nth = 1): Promise<Received> {
    for (let round = 0; round < 200 && mailsTo(email).length < nth; round += 1) await wait(25);
    const found = mailsTo(email)[nth - 1];
    if (!found) throw new Error(`no mail to ${email}`);
    return found;
  }
  const linkIn = ({ raw }: Received) => /http:\/\/\S+\/password\/reset\?link=[\w-]{43}/.exec(raw)?.[0] ?? '';
  const logsIn = async (username: string, password: string): Promise<boolean> => {
    const person = visitor();
    const page = await person.open(authorizationRequest(server).url);
    return !textOf(await person.submit(page, { username, password, do: 'login' })).includes('password is wrong');
  };

  it('is offered where one logs in, and leads through the mail back to the app', async () => {
    const { username, email } = await somebody();
    const person = visitor();
    const { url, verifier } = authorizationRequest(server);
    const login = await person.open(url);
    const link = /href="([^"]*password&#x2F;forgotten[^"]*)"/.exec(login.body)?.[1] ?? '';
    const page = await person.open(link.replaceAll('&#x2F;', '/').replaceAll('&#x3D;', '='));
    const sent = await ask(person, username, page);
    expect(textOf(sent)).to.include('a mail is on its way');
    const mail = await mailTo(email);
    expect(mail.from).to.equal('no-reply@hospital.example');
    expect(mail.user).to.equal('sallyport');
    expect(mail.raw).to.include(username).and.include('Wanda');
    const reset = await person.open(linkIn(mail));
    expect(reset.status).to.equal(200);
    const done = await person.submit(reset, { password: chosen, again: chosen, do: 'save' });
    expect(textOf(done)).to.include('Your password was changed');
    expect(await logsIn(username, initial)).to.equal(false);
    const back = /href="([^"]*&#x2F;login&#x2F;[^"]*)"/.exec(done.body)?.[1]?.replaceAll('&#x2F;', '/') ?? '';
    const app = await person.walk(await person.open(back), { username, password: chosen });
    expect((await redeem(server, app.searchParams.get('code') ?? '', verifier)).status).to.equal(200);
  });

  it('is told of by mail once it is another one, in the language of who chose it', async () => {
    const { username, email, id } = await somebody();
    await ask(visitor(), username);
    count += 1;
    const person = createPerson(server.url, { 'x-forwarded-for': '10.2.0.1', 'accept-language': 'fr' });
    const page = await person.open(linkIn(await mailTo(email)));
    await person.submit(page, { password: chosen, again: chosen, do: 'save' });
    const told = await mailTo(email, 2);
    expect(told.raw).to.include('Le mot de passe a').and.include(username).and.include('UTC');
    expect(told.raw).to.not.include(chosen).and.not.include('link');
    // Should the mail server be down, what was changed is changed.
    post.state.refuse = true;
    expect((await admin('PATCH', `${users}/${id}`, { password: initial })).status).to.equal(200);
    await wait(200);
    post.state.refuse = false;
    expect(await logsIn(username, initial)).to.equal(true);
    expect((await admin('PATCH', `${users}/${id}`, { password: chosen, givenName: 'W' })).status).to.equal(200);
    expect((await mailTo(email, 3)).raw).to.include('An administrator set another password.');
    expect((await admin('PATCH', `${users}/${id}`, { givenName: 'Wanda' })).status).to.equal(200);
    expect(mailsTo(email)).to.have.length(3);
  });

  it('works with the mail address, in any case of its letters', async () => {
    const { email } = await somebody();
    await ask(visitor(), email.toUpperCase());
    expect(linkIn(await mailTo(email))).to.match(new RegExp(`^${server.issuer}/password/reset`));
  });

  it('ends sessions and what apps were given, and opens a locked account', async () => {
    const { username, email, id } = await somebody();
    const there = visitor();
    const { url, verifier } = authorizationRequest(server);
    const code = (await there.walk(await there.open(url), { username, password: initial })).searchParams.get('code');
    const tokens = await redeem(server, code ?? '', verifier);
    for (let attempt = 0; attempt < 5; attempt += 1) await logsIn(username, 'wrong');
    expect((await admin('GET', `${users}/${id}`)).body).to.have.property('lockedUntil');
    const person = visitor();
    await ask(person, username);
    const page = await person.open(linkIn(await mailTo(email)));
    await person.submit(page, { password: chosen, again: chosen, do: 'save' });
    expect((await there.open(`${server.issuer}/session/manage`)).status).to.equal(401);
    const refreshed = await postForm(`${server.issuer}/oauth/token`, {
      grant_type: 'refresh_token',
      refresh_token: String(tokens.body['refresh_token']),
      client_id: 'sample-native',
    });
    expect(refreshed.body).to.include({ error: 'invalid_grant' });
    expect(await logsIn(username, chosen)).to.equal(true);
  });

  describe('tells nothing', () => {
    const nobody = async (): Promise<readonly (readonly [string, string])[]> => {
      const known = await somebody();
      const disabled = await somebody();
      await admin('PATCH', `${users}/${disabled.id}`, { enabled: false });
      const mailless = await somebody({ email: undefined });
      return [
        ['who is known', known.username],
        ['who is not', 'nobody-at-all'],
        ['a mail address that is not known', 'nobody@nowhere.example'],
        ['who is disabled', disabled.username],
        ['who has no mail address', mailless.username],
        ['a pattern', '%@%'],
        ['a very long name', 'x'.repeat(5000)],
      ];
    };
    it('by text and status, whoever is asked for', async () => {
      const answers = new Map<string, string[]>();
      for (const [title, name] of await nobody()) {
        const page = await ask(visitor(), name);
        const key = `${page.status} ${page.body}`;
        answers.set(key, [...(answers.get(key) ?? []), title]);
      }
      expect([...answers.values()], JSON.stringify([...answers.values()])).to.have.length(1);
    });

    it('by time: the median for who is known is about that for who is not', async () => {
      const { username } = await somebody();
      const times: Record<'known' | 'unknown', number[]> = { known: [], unknown: [] };
      for (let round = 0; round < 24; round += 1)
        for (const [which, name] of [
          ['known', username],
          ['unknown', `nobody-${round}`],
        ] as const) {
          const person = visitor();
          const page = await person.open(forgotten());
          const began = performance.now();
          await ask(person, name, page);
          times[which].push(performance.now() - began);
        }
      const median = (values: number[]) => values.toSorted((left, right) => left - right)[values.length >> 1] ?? 0;
      const ratio = median(times.known) / median(times.unknown);
      expect(ratio).to.be.above(0.5).and.below(2);
    });

    it('and sends nothing to who is disabled or has no address', async () => {
      const disabled = await somebody();
      await admin('PATCH', `${users}/${disabled.id}`, { enabled: false });
      const control = await somebody();
      await ask(visitor(), disabled.username);
      await ask(visitor(), control.username);
      await mailTo(control.email);
      expect(mailsTo(disabled.email)).to.deep.equal([]);
    });
  });

  describe('a link', () => {
    async function link() {
      const person = visitor();
      const account = await somebody();
      await ask(person, account.username);
      return { ...account, person, address: linkIn(await mailTo(account.email)) };
    }
    const expectGone = (page: Page) => {
      expect(page.status).to.equal(410);
      expect(textOf(page)).to.include('This link cannot be used any more');
    };

    it('is good once', async () => {
      const { person, address, username } = await link();
      const page = await person.open(address);
      await person.submit(page, { password: chosen, again: chosen, do: 'save' });
      expectGone(await person.open(address));
      expectGone(await person.submit(page, { password: 'another one again', again: 'another one again', do: 'save' }));
      expect(await logsIn(username, 'another one again')).to.equal(false);
      expect(await logsIn(username, chosen)).to.equal(true);
    });

    it('is good once even for two at one time', async () => {
      const { person, address, username } = await link();
      const page = await person.open(address);
      const tries = ['first of the two', 'second of the two'];
      const pages = await Promise.all(
        tries.map((password) => person.submit(page, { password, again: password, do: 'save' })),
      );
      expect(pages.map(({ status }) => status).toSorted()).to.deep.equal([200, 410]);
      const works = await Promise.all(tries.map((password) => logsIn(username, password)));
      expect(works.filter(Boolean)).to.have.length(1);
    });

    it('is still good after a password that may not be set, or after going back', async () => {
      const { person, address, username } = await link();
      const refused = await person.submit(await person.open(address), {
        password: 'brief',
        again: 'brief',
        do: 'save',
      });
      expect(textOf(refused)).to.include('at least 8 characters');
      const left = await person.submit(refused, { do: 'cancel' });
      expect(textOf(left)).to.include('Nothing was changed');
      expect(await logsIn(username, initial)).to.equal(true);
      const done = await person.submit(await person.open(address), { password: chosen, again: chosen, do: 'save' });
      expect(textOf(done)).to.include('Your password was changed');
    });

    it('is not followed without its form: another site cannot set a password with it', async () => {
      const { address, username } = await link();
      const form = new URLSearchParams({ password: chosen, again: chosen, do: 'save' });
      expect((await visitor().open(address, form)).status).to.equal(403);
      const other = visitor();
      const { csrf } = { csrf: /name="csrf" value="([^"]+)"/.exec((await other.open(address)).body)?.[1] ?? '' };
      expect(
        (await visitor().open(address, new URLSearchParams({ csrf, password: chosen, again: chosen }))).status,
      ).to.equal(403);
      expect(await logsIn(username, initial)).to.equal(true);
    });

    for (const [title, query] of [
      ['that was never sent', `?link=${'A'.repeat(43)}`],
      ['that is cut short', '?link=abc'],
      ['without its word', ''],
      ['with two words', `?link=${'A'.repeat(43)}&link=${'B'.repeat(43)}`],
    ])
      it(`${title} shows that it is gone`, async () => {
        expectGone(await visitor().open(`${server.issuer}/password/reset${query}`));
      });

    it('is of one tenant', async () => {
      const { address } = await link();
      expectGone(await visitor().open(address.replace('/demo/', '/partner/')));
    });

    it('is gone for who was disabled meanwhile', async () => {
      const { address, id } = await link();
      await admin('PATCH', `${users}/${id}`, { enabled: false });
      expectGone(await visitor().open(address));
    });

    it('names the tenant’s own address, whatever host the request came for', async () => {
      const { username, email } = await somebody();
      const person = createPerson(server.url, { 'x-forwarded-for': '10.9.9.9', 'x-forwarded-host': 'evil.example' });
      await ask(person, username);
      expect(linkIn(await mailTo(email))).to.match(new RegExp(`^${server.issuer}/`));
    });

    it('is in no answer of the admin API and not in the audit trail', async () => {
      const { address, id } = await link();
      const word = address.split('link=')[1] ?? '';
      const audit = JSON.stringify((await admin('GET', '/tenants/demo/audit?limit=100')).body);
      expect(audit).to.include('password.reset-sent').and.not.include(word);
      expect(JSON.stringify((await admin('GET', `${users}/${id}`)).body)).not.to.include(word);
    });
  });

  it('is mailed about once a minute to one person, and to few from one address', async () => {
    const { username, email } = await somebody();
    for (let round = 0; round < 3; round += 1) await ask(visitor(), username);
    await mailTo(email);
    const crowd = await Promise.all(Array.from({ length: 8 }, () => somebody()));
    const one = visitor();
    for (const { username: name } of crowd) expect((await ask(one, name)).status).to.equal(200);
    await wait(1500);
    expect(mailsTo(email)).to.have.length(1);
    expect(crowd.filter(({ email: address }) => mailsTo(address).length > 0)).to.have.length(5);
  });

  it('that cannot be mailed changes nothing in the answer', async () => {
    const { username } = await somebody();
    post.state.refuse = true;
    const page = await ask(visitor(), username);
    await wait(300);
    post.state.refuse = false;
    expect(page.status).to.equal(200);
    expect((await logIn(server, visitor(), 'jane')).status).to.equal(200);
  });

  it('is not offered where the tenant does not want it', async () => {
    const partner = `${server.url}/partner/password`;
    for (const path of ['forgotten', 'reset?link=x']) {
      const answer = await fetch(`${partner}/${path}`);
      expect([404, 410]).to.include(answer.status);
    }
    expect((await fetch(`${partner}/forgotten`, { method: 'POST', body: new URLSearchParams() })).status).to.equal(404);
  });

  it('has one link only: the youngest, also after a restart', async () => {
    const { username, email } = await somebody();
    const person = visitor();
    await ask(person, username);
    const first = linkIn(await mailTo(email));
    await server.kill();
    // Another node, or the same one later, does not know when it mailed last.
    server = await startTestServer({ again: server, environment });
    await ask(person, username);
    const second = linkIn(await mailTo(email, 2));
    expect((await person.open(first)).status).to.equal(410);
    expect((await person.open(second)).status).to.equal(200);
  });
});
