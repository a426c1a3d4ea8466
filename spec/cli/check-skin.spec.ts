/** What `npx sallyport check` finds in a tenant's own skin, each with its line. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkSkin } from '../../engine/page/check-skin.ts';
import { formFields } from '../../engine/page/view.ts';
import { folderOf, sallyport, tenantDocument } from './support.ts';

const skins = join(import.meta.dirname, '../../skins');

async function checked(files: Readonly<Record<string, unknown>>, more: object = { skin: 'look' }) {
  const folder = await folderOf({ 'one/tenant.json': tenantDocument('one', more), ...files });
  try {
    const { code, output } = await sallyport(['check', folder.path]);
    const lines = output
      .replaceAll(`${folder.path}/`, '')
      .split('\n')
      .filter((line) => line !== '');
    return { code, lines };
  } finally {
    await folder.remove();
  }
}

const login = `<h1>{{t.login.title}}</h1>
<form method="post" action="{{action}}">
<input type="hidden" name="csrf" value="{{csrf}}">
<input name="username"><input name="password" type="password">
<button name="do" value="login">{{t.login.submit}}</button>
{{#providers}}<button name="provider" value="{{id}}">{{name}}</button>{{/providers}}
</form>
`;

describe('sallyport check, of a skin', function () {
  this.timeout(60_000);

  it('finds nothing in the shipped skins, nor in a sound one', async () => {
    for (const skin of readdirSync(skins))
      expect(checkSkin(join(skins, skin), join(skins, 'default')), skin).to.deep.equal([]);
    const { code, lines } = await checked({
      'one/look/login.mustache': `${login}<p>{{t.login.ours}}</p>`,
      'one/look/messages/en.json': { 'login.ours': 'Call us.', 'scope.lab': 'Order tests', 'login.title': 'Hello' },
      'one/look/context.mustache': readFileSync(join(skins, 'default/context.mustache'), 'utf8'),
      'one/look/style.css': 'body{}',
    });
    expect(lines).to.deep.equal(['ok       one (https://auth.example/one)']);
    expect(code).to.equal(0);
  });

  it('asks for no field that the default templates do not send', () => {
    for (const [page, fields] of Object.entries(formFields)) {
      const template = readFileSync(join(skins, 'default', `${page}.mustache`), 'utf8');
      for (const field of fields) {
        const [name = '', value] = field.split('=', 2);
        expect(template, `${page} sends ${field}`).to.contain(`name="${name}"`);
        if (value !== undefined) expect(template, `${page} sends ${field}`).to.contain(`value="${value}"`);
      }
    }
  });

  const faults: readonly (readonly [name: string, template: string, found: string])[] = [
    [
      'a form without csrf',
      login.replace('<input type="hidden" name="csrf" value="{{csrf}}">', ''),
      'error    one/look/login.mustache:2: the form does not send csrf. add <input type="hidden" name="csrf" value="{{csrf}}">',
    ],
    [
      'csrf with another value',
      login.replace('value="{{csrf}}"', 'value="x"'),
      'error    one/look/login.mustache:2: the form does not send csrf. add <input type="hidden" name="csrf" value="{{csrf}}">',
    ],
    [
      'a form that leads elsewhere',
      login.replace('"{{action}}"', '"https://elsewhere.example/"'),
      'error    one/look/login.mustache:2: the form does not lead to the page’s action. write action="{{action}}"',
    ],
    [
      'a form without an action',
      login.replace(' action="{{action}}"', ''),
      'error    one/look/login.mustache:2: the form does not lead to the page’s action. write action="{{action}}"',
    ],
    [
      'a form that sends passwords in the address',
      login.replace('method="post"', 'method="get"'),
      'error    one/look/login.mustache:2: there is no form that posts. add <form method="post" action="{{action}}">',
    ],
    [
      'a field of another name',
      login.replace('name="password"', 'name="passwort"'),
      'error    one/look/login.mustache:2: the page cannot send the field password. it needs name="password"',
    ],
    [
      'a field in a comment',
      login.replace('<input name="username">', '<!-- <input name="username"> -->'),
      'error    one/look/login.mustache:2: the page cannot send the field username. it needs name="username"',
    ],
    [
      'a button of another value',
      login.replace('value="login"', 'value="go"'),
      'error    one/look/login.mustache:2: the page cannot send a button do=login. it needs name="do" value="login"',
    ],
    [
      'an unknown message',
      login.replace('t.login.submit', 't.login.submitt'),
      'error    one/look/login.mustache:5: there is no message login.submitt. did you mean "login.submit"?',
    ],
    [
      'a section that is never closed',
      login.replace('{{/providers}}', ''),
      'error    one/look/login.mustache:8: Unclosed section "providers". the default template is used instead',
    ],
    [
      'a script',
      `${login}<script>alert(1)</script>`,
      'warning  one/look/login.mustache:8: scripts and styles within a page are not run. put styles into a .css file of the skin',
    ],
    [
      'a script that is not the page’s own',
      `${login}<script src="https://elsewhere.example/{{script}}"></script>`,
      'warning  one/look/login.mustache:8: scripts and styles within a page are not run. put styles into a .css file of the skin',
    ],
  ];
  for (const [name, template, found] of faults)
    it(`finds ${name}`, async () => {
      const { code, lines } = await checked({ 'one/look/login.mustache': template });
      expect(lines).to.include(found);
      expect(lines.filter((line) => /^(error|warning)/.test(line))).to.have.length(1);
      expect(code).to.equal(found.startsWith('error') ? 1 : 0);
    });

  it('finds messages that nothing shows or nobody can read, and names of no page', async () => {
    const { lines } = await checked({
      'one/look/messages/en.json': '{\n  "login.title": "Hello",\n  "login.titel": "Hello"\n}',
      'one/look/messages/de.json': '{ "login.title": 7 }',
      'one/look/logn.mustache': '<h1>Hello</h1>',
      'one/look/layout.mustache': '<main></main>',
    });
    expect(lines.filter((line) => !/^\d/.test(line))).to.have.members([
      'error    one/look/layout.mustache:1: the page itself is not shown. add {{> content}}',
      'error    one/look/messages/de.json:1: is no JSON object of texts, so none of its messages are used.',
      'warning  one/look/logn.mustache:1: no page is called logn. did you mean "login"?',
      'warning  one/look/messages/en.json:3: nothing shows the message "login.titel". did you mean "login.title"?',
    ]);
  });

  it('finds a skin that is nowhere', async () => {
    const { lines } = await checked({}, { skin: 'nowhere' });
    expect(lines[0]).to.match(/^warning {2}one\/tenant\.json at \/skin: there is no skin "nowhere"/);
    expect((await checked({}, { skin: 'harbor' })).lines).to.deep.equal(['ok       one (https://auth.example/one)']);
  });

  it('warns of sample terms, but not of a demo, nor of terms of the tenant’s own', async () => {
    const terms = (more: object) =>
      checked({}, more).then(({ lines }) => lines.filter((line) => line.includes('terms')));
    expect(await terms({ termsOfService: { version: '1' } })).to.deep.equal([
      'warning  one/tenant.json at /termsOfService: found no text, expected terms of your own. people are asked to accept a sample text',
    ]);
    expect(await terms({ termsOfService: { version: '1', text: 'Ours.' } })).to.deep.equal([]);
    const demo = { demo: true, issuer: 'http://localhost:9200/one', termsOfService: { version: '1' } };
    expect(await terms(demo)).to.deep.equal([]);
  });
});
