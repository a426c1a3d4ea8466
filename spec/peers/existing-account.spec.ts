/** Somebody comes from oidc-provider for the first time, under a user name that is taken: they prove that account, or it stays as it is. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { asAdmin, itemsOf } from '../admin/support.ts';
import { redeem } from '../support/oauth.ts';
import type { Page } from '../support/person.ts';
import { freePort } from '../support/server.ts';
import { addProvider, chooseProvider, editTenant, foreignUsers, logInThere, newestTrace } from './federated-stage.ts';
import { clientId, clientSecret, type ForeignProvider, startForeignProvider } from './foreign-provider.ts';
import { onPostgres } from './stage.ts';

const password = 'demo-password';
let port = 0;

async function prepare(config: string): Promise<void> {
  port = await freePort();
  await editTenant(config, 'demo', (tenant) =>
    addProvider(tenant, port, {
      id: 'foreign',
      name: 'Foreign Organization',
      clientId,
      clientSecret,
      scopes: ['email'],
      federationAuth: 'foreign-login.js',
      existingUsers: 'prove',
    }),
  );
  await writeFile(
    join(config, 'demo', 'foreign-login.js'),
    "function getUserName(info) { return info['email'].split('@')[0]; }",
  );
}

onPostgres(
  'a person from oidc-provider whose name is taken',
  (server) => {
    let provider: ForeignProvider;
    before(async () => {
      provider = await startForeignProvider(port, [`${server().issuer}/federation/callback/foreign`]);
    });
    after(() => provider?.close());

    /** Logs in there; answers the page that follows here. */
    async function come(login: string, name: string) {
      provider.people[login] = { given_name: 'Any', family_name: 'Body', email: `${name}@foreign.example` };
      const journey = await chooseProvider(server(), 'foreign');
      const page = await journey.person.open((await logInThere(journey.away, { login, do: 'log-in' })).href);
      const finish = async (next: Page): Promise<string> => {
        const app = await journey.person.walk(next, { username: '' });
        const { body } = await redeem(server(), app.searchParams.get('code') ?? '', journey.verifier);
        return String(decodeJwt(String(body['id_token'])).sub);
      };
      return {
        ...journey,
        page,
        finish,
        submit: (values: Record<string, string>) => journey.person.submit(page, values),
      };
    }
    const linked = async () =>
      itemsOf(await (await asAdmin(server()))('GET', '/tenants/demo/audit?type=account.linked')).length;
    const asks = 'Is this account yours?';

    it('is asked for its password once, and logs in with either from then on', async () => {
      const first = await come('jane-there', 'jane');
      expect(first.page.body).to.include(asks).and.include('Foreign Organization').and.include('value="jane"');
      const wrong = await first.submit({ password: 'wrong', do: 'link' });
      expect(wrong.body).to.include(asks).and.include('The password is wrong.');
      expect(await linked()).to.equal(0);
      expect(await first.finish(await first.submit({ password, do: 'link' }))).to.equal('jane');
      expect(await linked()).to.equal(1);
      const states = (await newestTrace(server())).entries.map(({ state }) => state);
      expect(states).to.include.members(['existing account', 'local log-in', 'account joined']);

      const second = await come('jane-there', 'jane');
      expect(second.page.body).to.not.include(asks);
      expect(await second.finish(second.page)).to.equal('jane');
      expect(await foreignUsers(server())).to.have.length(0);
    });

    it('may log in another way, which links nothing, also not with the account that they log in with', async () => {
      const before = await linked();
      const one = await come('smith-there', 'drsmith');
      const login = await one.submit({ do: 'alone' });
      expect(login.body).to.include('name="username"').and.not.include(asks);
      const done = await one.person.submit(login, { username: 'jane', password, do: 'login' });
      expect(await one.finish(done)).to.equal('jane');
      expect(await linked()).to.equal(before);
      expect((await come('smith-there', 'drsmith')).page.body).to.include(asks);
    });

    it('proves no other account than the one of that name, whatever the form says', async () => {
      const before = await linked();
      const one = await come('thief', 'drsmith');
      const other = await one.person.open(
        /action="([^"]+)"/.exec(one.page.body)?.[1]?.replaceAll('&#x2F;', '/') ?? '',
        new URLSearchParams({
          csrf: /name="csrf" value="([^"]+)"/.exec(one.page.body)?.[1] ?? '',
          username: 'jane',
          linkWanted: '{}',
          provider: 'foreign',
          do: 'link',
        }),
      );
      expect(other.body).to.include(asks).and.include('value="drsmith"');
      expect((await one.submit({ username: 'jane', provider: 'foreign', do: 'link' })).body).to.include(asks);
      expect(await linked()).to.equal(before);
    });

    it('who gives up is told to the app as who does not log in', async () => {
      const one = await come('quitter', 'jane');
      const app = new URL((await one.submit({ do: 'cancel' })).url);
      expect(app.searchParams.get('error')).to.equal('access_denied');
    });

    it('is refused where the account of that name cannot be proven', async () => {
      const admin = await asAdmin(server());
      const { body } = await admin('POST', '/tenants/demo/users', {
        username: 'nobody',
        password: 'a lantern for an otter',
      });
      await admin('PATCH', `/tenants/demo/users/${String(body['id'])}`, { enabled: false });
      const one = await come('nobody-there', 'nobody');
      expect(new URL(one.page.url).searchParams.get('error')).to.equal('access_denied');
      expect((await newestTrace(server())).outcome).to.equal('username-taken');
    });

    it('is told as any who types a wrong password, and locked out as they are', async () => {
      const one = await come('guesser', 'drsmith');
      for (let attempt = 0; attempt < 10; attempt += 1)
        expect((await one.submit({ password: `guess ${attempt}`, do: 'link' })).body).to.include(
          'The password is wrong.',
        );
      // By now the right one is as wrong as any: the account is locked.
      expect((await one.submit({ password, do: 'link' })).body).to.include('The password is wrong.');
      let last = one.page;
      for (let attempt = 0; attempt < 40 && !last.body.includes('Too many attempts'); attempt += 1)
        last = await one.submit({ password, do: 'link' });
      expect(last.body).to.include('Too many attempts');
    });
  },
  { prepare },
);
