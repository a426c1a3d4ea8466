/** A choice that is offered first the next time: whose it is, when it is forgotten, and that it opens nothing. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { authorizationRequest } from '../support/oauth.ts';
import { createPerson, type Page, type Person } from '../support/person.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

/** Offers the patients that the user's data names. */
const callbacks = `
function onSmartLoginPreContextSelection(theUserSession, theChoices) {
  for (const id of theUserSession.getUserData('offered') || ['ann', 'ben', 'cy'])
    theChoices.addChoice({ contextType: 'patient', resourceId: id, display: 'Patient ' + id });
}`;
const users = ['plain', 'ticking', 'fickle', 'unticking', 'forgetting', 'revoking', 'revoked', 'gone', 'one', 'other'];

describe('a remembered choice', () => {
  let server: TestServer;
  let secret: string;
  before(async () => {
    server = await startTestServer({
      async prepare(config, url) {
        const read = async (tenant: string) =>
          JSON.parse(await readFile(join(config, tenant, 'tenant.json'), 'utf8')) as Record<string, object[]>;
        const write = async (tenant: string, more: object) => {
          const people = users.map((username) => ({ username, password: 'demo-password' }));
          await writeFile(
            join(config, tenant, 'tenant.json'),
            JSON.stringify({ ...(await read(tenant)), users: people, ...more }),
          );
          await writeFile(join(config, tenant, 'callbacks.js'), callbacks);
        };
        const { clients = [] } = await read('demo');
        await write('demo', {});
        const native = clients.filter((client) => JSON.stringify(client).includes('"sample-native"'));
        await write('partner', {
          clients: native,
          fhirServers: [{ name: 'r4', url: `${url}/partner/fhir/r4` }],
          scripts: { callbacks: 'callbacks.js' },
          launch: { rememberChoice: false },
        });
      },
    });
    secret = (await readFile(join(server.data, 'admin-secret'), 'utf8')).trim();
  });
  after(() => server.close());

  async function administer(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const answer = await fetch(`${server.url}/admin/api/tenants/demo${path}`, {
      method,
      headers: {
        authorization: `Bearer ${secret}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await answer.text();
    expect(answer.status, text).to.be.below(300);
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  }
  async function idOf(username: string): Promise<string> {
    const { items } = (await administer('GET', `/users?search=${username}`)) as {
      items: { id: string; username: string }[];
    };
    return items.find((user) => user.username === username)?.id ?? '';
  }

  async function toChoices(username: string, more: Readonly<Record<string, string>> = {}) {
    const person = createPerson(server.url);
    const { url } = authorizationRequest(server, { scope: 'openid launch/patient patient/*.rs', ...more });
    const page = await person.submit(await person.open(url), { username, password: 'demo-password', do: 'login' });
    return { person, page };
  }
  async function choose(username: string, name: string, remember?: string): Promise<Person> {
    const { person, page } = await toChoices(username);
    const after = await person.submit(page, {
      choice: String(listOf(page).find((one) => one.name === name)?.number),
      do: 'choose',
      ...(remember === undefined ? {} : { remember }),
    });
    await person.walk(after, { username });
    return person;
  }
  function listOf({ body }: Page) {
    const found = body.matchAll(
      /name="choice" value="(\d+)" required( checked)?>\s*<span><strong>Patient (\w+)<\/strong>(.*)/g,
    );
    return [...found].map(([, number, checked, name, more = '']) => ({
      number: Number(number),
      name,
      checked: checked !== undefined,
      remembered: more.includes('You had this record remembered.'),
    }));
  }
  const untouched = ['ann', 'ben', 'cy'].map((name, number) => ({ number, name, checked: false, remembered: false }));
  const isTicked = ({ body }: Page) => /name="remember" value="yes"( checked)?/.exec(body)?.[1] !== undefined;

  it('is none unless that is ticked', async () => {
    await choose('plain', 'ben');
    const { page } = await toChoices('plain');
    expect(listOf(page)).to.deep.equal(untouched);
    expect(isTicked(page)).to.equal(false);
  });

  it('comes first and is chosen beforehand, under the number it has, and may be another one then', async () => {
    await choose('ticking', 'cy', 'yes');
    const first = await toChoices('ticking');
    expect(listOf(first.page)).to.deep.equal([
      { number: 2, name: 'cy', checked: true, remembered: true },
      ...untouched.slice(0, 2),
    ]);
    expect(isTicked(first.page)).to.equal(true);
    await choose('ticking', 'ben');
    expect(listOf((await toChoices('ticking')).page)[0]).to.include({ name: 'ben', remembered: true });
  });

  it('is nobody else’s, and no other app’s', async () => {
    await choose('one', 'ben', 'yes');
    expect(listOf((await toChoices('other')).page)).to.deep.equal(untouched);
    const app = await toChoices('one', { client_id: 'sample-app', redirect_uri: `${server.url}/app/` });
    expect(listOf(app.page), 'the other app asks anew').to.deep.equal(untouched);
  });

  it('opens nothing: what is not offered any more is not shown, and offered first again when it is', async () => {
    await choose('fickle', 'cy', 'yes');
    const id = await idOf('fickle');
    await administer('PATCH', `/users/${id}`, { userData: { offered: ['ann', 'ben'] } });
    const { person, page } = await toChoices('fickle');
    expect(listOf(page)).to.deep.equal(untouched.slice(0, 2));
    expect(isTicked(page)).to.equal(false);
    for (const choice of ['2', 'cy', '-1', '0x0', '']) {
      const again = await person.submit(page, { choice, do: 'choose', remember: 'yes' });
      expect(again.body, choice).to.contain('Please choose one record.');
    }
    await person.walk(await person.submit(page, { choice: '0', do: 'choose' }), { username: 'fickle' });
    await administer('PATCH', `/users/${id}`, { userData: { offered: null } });
    expect(listOf((await toChoices('fickle')).page)[0]).to.include({ name: 'cy', remembered: true });
  });

  it('is forgotten when it is unticked', async () => {
    await choose('unticking', 'cy', 'yes');
    const { person, page } = await toChoices('unticking');
    const form = page.body.replace(/(name="remember" value="yes") checked/, '$1');
    await person.walk(await person.submit({ ...page, body: form }, { choice: '2', do: 'choose' }), {
      username: 'unticking',
    });
    expect(listOf((await toChoices('unticking')).page)).to.deep.equal(untouched);
  });

  it('is told on the page of access, without a name, and forgotten there by its own button', async () => {
    const person = await choose('forgetting', 'cy', 'yes');
    const manage = await person.open(`${server.issuer}/session/manage`);
    expect(manage.body).to.contain('Your choice is remembered: patient.').and.not.contain('Patient cy');
    const foreign = await person.open(
      `${server.issuer}/session/manage`,
      new URLSearchParams({ csrf: 'forged', forget: 'sample-native' }),
    );
    expect(foreign.status).to.equal(403);
    expect(listOf((await toChoices('forgetting')).page)[0]).to.include({ remembered: true });
    const after = await person.submit(manage, { forget: 'sample-native' });
    expect(after.body).to.contain('The choice is no longer remembered.').and.not.contain('Your choice is remembered');
    expect(after.body, 'the app still has access').to.contain('value="sample-native"');
    expect(listOf((await toChoices('forgetting')).page)).to.deep.equal(untouched);
    const nothing = await person.submit(manage, { forget: 'sample-native' });
    expect(nothing.body, 'there is nothing to forget any more').not.to.contain('no longer remembered');
  });

  it('ends with the access of the app, whoever ends it', async () => {
    const person = await choose('revoking', 'cy', 'yes');
    await person.submit(await person.open(`${server.issuer}/session/manage`), { revoke: 'sample-native' });
    expect(listOf((await toChoices('revoking')).page)).to.deep.equal(untouched);

    await choose('revoked', 'cy', 'yes');
    const id = await idOf('revoked');
    const { items } = (await administer('GET', `/users/${id}/grants`)) as { items: object[] };
    expect(items[0]).to.deep.include({ clientId: 'sample-native', rememberedContexts: ['patient'] });
    await administer('DELETE', `/users/${id}/grants/sample-native`);
    expect(listOf((await toChoices('revoked')).page)).to.deep.equal(untouched);
  });

  it('is not offered where the tenant does not want it, and not kept from a form that says so', async () => {
    const issuer = `${server.url}/partner`;
    const { url } = authorizationRequest(server, { aud: `${issuer}/fhir/r4`, scope: 'openid launch/patient' });
    const arrive = async () => {
      const person = createPerson(server.url);
      const login = await person.open(url.replace(`${server.issuer}/`, `${issuer}/`));
      return { person, page: await person.submit(login, { username: 'one', password: 'demo-password', do: 'login' }) };
    };
    const { person, page } = await arrive();
    expect(listOf(page)).to.deep.equal(untouched);
    expect(page.body).not.to.contain('name="remember"');
    await person.submit(page, { choice: '2', do: 'choose', remember: 'yes' });
    expect(listOf((await arrive()).page)).to.deep.equal(untouched);
  });
});
