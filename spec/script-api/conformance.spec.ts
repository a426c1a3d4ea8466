/** Every line of the tables in docs/script-api.md, in a real sandbox: that it is there, as it is declared, and does what it says. */
import { expect } from 'chai';
import { globals, libraryPlaces, missingGlobals, type Place, places } from '../../engine/script/api/catalogue.ts';
import type { HookName, Json } from '../../engine/script/runner.ts';
import { makeScript } from '../../engine/script/script.ts';
import type { HostServices } from '../../engine/script/service/context.ts';
import { checkTypes } from '../../tools/cli/check/types.ts';
import { authorizationRows } from './rows/authorization.ts';
import { fhirRows } from './rows/fhir.ts';
import { globalRows, helperRows } from './rows/helpers.ts';
import { httpRows } from './rows/http.ts';
import { jwtRows } from './rows/jwt.ts';
import { libraryRows } from './rows/library.ts';
import { loginRows, typedRequest } from './rows/login.ts';
import type { Row, Rows } from './rows/row.ts';
import { sessionRows } from './rows/session.ts';
import { webRows } from './rows/web.ts';
import { webServer } from './rows/web-server.ts';
import { inputs, openSandbox, type Sandbox, scriptOf } from './sandbox.ts';

const here: readonly Place[] = [...places, ...libraryPlaces].filter(({ member }) => member.compatibility !== 'missing');
const capitalized = (name: string) => `${name[0]?.toUpperCase()}${name.slice(1)}`;

/** The function's body that answers what the row runs. */
function bodyOf({ run }: Row): string {
  const inner = run.trimStart().startsWith('{') ? run.trim().slice(1, -1) : `return (${run});`;
  return /\bawait\b/.test(inner) ? `(async () => {\n${inner}\n})()` : `(() => {\n${inner}\n})()`;
}

/** A script that logs what the row comes to. */
function scriptFor(row: Row, checked = false): string {
  const session = row.hook === 'onTokenGenerating' ? 'if (theUserSession === null) return;\n' : '';
  const answer = `const answer = await ${bodyOf(row)};\nLog.info('answer ' + JSON.stringify(answer === undefined ? 'undefined' : answer));`;
  const rest = row.hook === 'getUserName' ? "\nreturn 'jane';" : row.hook === 'authenticate' ? '\nreturn null;' : '';
  return scriptOf(row.hook, session + answer + rest, `${checked ? '// @ts-check\n' : ''}${row.top ?? ''}`);
}

function memoryValues(): HostServices['values'] {
  const kept = new Map<string, unknown>();
  return {
    get: async (_tenant, key) => kept.get(key),
    async set(_tenant, key, value) {
      kept.set(key, value);
      return true;
    },
    async increment(_tenant, key, by) {
      const sum = Number(kept.get(key) ?? 0) + by;
      kept.set(key, sum);
      return sum;
    },
    async remove(_tenant, key) {
      kept.delete(key);
    },
  };
}

describe('the script API in a sandbox', () => {
  let sandbox: Sandbox;
  let rows: Rows;

  before(async () => {
    const jwt = await jwtRows();
    rows = {
      ...sessionRows,
      ...loginRows,
      ...authorizationRows,
      ...helperRows,
      ...httpRows,
      ...fhirRows,
      ...webRows,
      ...libraryRows,
      ...jwt.rows,
    };
    const keys = async () => ({ ok: true as const, keys: (jwt.jwks as { keys: never[] }).keys });
    sandbox = openSandbox(webServer, { values: memoryValues(), jwks: { keys } });
  });
  after(() => sandbox.close());

  async function answerOf(row: Row): Promise<unknown> {
    const result = await sandbox.run(row.hook, scriptFor(row), row.input);
    if (!result.ok) throw new Error(`${result.kind}: ${result.message}\n${scriptFor(row)}`);
    const line = result.logs.find(({ message }) => message.startsWith('answer '));
    return JSON.parse(line?.message.slice('answer '.length) ?? 'null');
  }

  it('has a row for every member that is there, and none for others', () => {
    expect(Object.keys(rows).sort()).to.deep.equal(here.map(({ key }) => key).sort());
    expect(Object.keys(globalRows).sort()).to.deep.equal(globals.map(({ name }) => name).sort());
  });

  for (const { key, model, member } of here)
    it(`${key}: ${member.documentation}`, async () => {
      const row = rows[key] as Row;
      expect(await answerOf(row)).to.deep.equal(row.expected);
      if (member.kind !== 'property' || !member.accessors || row.on === undefined) return;
      const [getter, setter] = [`get${capitalized(member.name)}`, `set${capitalized(member.name)}`];
      expect(await answerOf({ ...row, run: `${row.on}.${getter}()` }), getter).to.deep.equal(row.expected);
      const hasOwn = places.some((place) => place.model === model && place.member.name === setter);
      if (member.readonly || hasOwn) return;
      const set = `{ const held = ${row.on}; const value = held.${member.name}; held.${setter}(null); const gone = held.${member.name};
        held.${setter}(value); return [gone, held.${member.name} === value]; }`;
      expect(await answerOf({ ...row, run: set }), setter).to.deep.equal([null, true]);
    });

  for (const { name, documentation } of globals)
    it(`${name}: ${documentation}`, async () => {
      const row = globalRows[name] as Row;
      expect(await answerOf(row)).to.deep.equal(row.expected);
      // The same in a module, which is given its names another way.
      const module = { ...row, top: `import 'sallyport/scopes';` };
      expect(await answerOf(module)).to.deep.equal(row.expected);
    });

  it('is declared as these rows use it', async () => {
    const all = Object.entries({ ...rows, ...globalRows });
    const scripts = all.map(([key, row]) => makeScript(`${key.replace(/[^\w.]/g, '_')}.js`, scriptFor(row, true)));
    const report = await checkTypes(scripts);
    expect(report?.problems.map(({ file, message }) => `${file} ${message}`)).to.deep.equal([]);
  });

  it('holds nothing that the catalogue does not know', async () => {
    const known = (model: string): readonly string[] =>
      places
        .filter((place) => place.model.name === model)
        .flatMap(({ member }) => [member.name, `get${capitalized(member.name)}`, `set${capitalized(member.name)}`]);
    const objects: readonly (readonly [hook: HookName, expression: string, models: readonly string[], input?: Json])[] =
      [
        ['onSmartLoginPreContextSelection', 'theUserSession', ['UserSessionDetails']],
        ['onSmartLoginPreContextSelection', 'theUserSession.authorities[0]', ['GrantedAuthority']],
        ['onSmartLoginPreContextSelection', 'theUserSession.defaultLaunchContexts[0]', ['LaunchContext']],
        ['onSmartLoginPreContextSelection', 'theUserSession.launchResourceIds[0]', ['LaunchResourceId']],
        ['onSmartLoginPreContextSelection', 'theUserSession.fhirContext[0]', ['FhirContextEntry']],
        ['onSmartLoginPreContextSelection', 'theContextSelectionChoices', ['ContextSelectionChoices']],
        ['onAuthenticateSuccess', 'theOutcomeFactory', ['ScriptAuthenticationOutcomeFactory']],
        ['onAuthenticateSuccess', 'theOutcomeFactory.newFailure()', ['AuthenticationFailure']],
        ['onAuthenticateSuccess', 'theContext', ['AuthenticationContext', 'SecurityInSmartAuthenticationContext']],
        ['getUserName', 'theServerInfo', ['OAuth2Server']],
        ['onSelfRegistration', 'theContext', ['RegistrationContext']],
        ['authenticate', 'theRequest', ['CodapRequest']],
        ['authenticate', 'theRequest.authorizationToken', ['SignedToken']],
        ['authenticate', 'theRequest', ['AuthenticationRequest'], typedRequest],
        ['onTokenGenerating', 'theAuthorizationRequestDetails', ['OAuth2AuthorizationRequestDetails']],
        ['onTokenGenerating', 'theClientDetails', ['ClientDetails']],
        ['onPostAuthorize', 'theDetails', ['SmartOnPostAuthorizeDetails']],
        ...['Log', 'Base64', 'Converter', 'Environment', 'Uuid', 'Secrets', 'Http', 'ResourceBuilder'].map(
          (name) => ['onPostAuthorize', name, [`${name}Api`]] as const,
        ),
        ['onPostAuthorize', 'Fhir', ['FhirClient']],
        ['onPostAuthorize', 'Fhir.search()', ['FhirSearch']],
        ['onPostAuthorize', "Http.get('x')", ['HttpRequest']],
      ];
    for (const [hook, expression, models, input] of objects) {
      const run = `Object.getOwnPropertyNames(${expression})`;
      const names = (await answerOf({ hook, run, expected: [], ...(input && { input }) })) as string[];
      const declared = models.flatMap(known);
      expect(
        names.filter((name) => !declared.includes(name)),
        expression,
      ).to.deep.equal([]);
    }
  });

  describe('what is missing', () => {
    /** Where scripts meet a model of which something is missing. */
    const whereabouts: Readonly<Record<string, readonly [hook: HookName, expression: string]>> = {
      UserSessionDetails: ['onSmartLoginPreContextSelection', 'theUserSession'],
      OAuth2Server: ['getUserName', 'theServerInfo'],
      ClientDetails: ['onTokenGenerating', 'theClientDetails'],
      JavaList: ['onPostAuthorize', 'theDetails.grantedScopes'],
      JavaMap: ['onPostAuthorize', 'theDetails.claims'],
    };

    /** What the engine is told of a script that does this, the same in classic style and in a module. */
    async function failureOf(hook: HookName, body: string): Promise<string> {
      const messages: string[] = [];
      for (const top of ['', `import 'sallyport/scopes';`]) {
        const result = await sandbox.run(hook, scriptOf(hook, body, top));
        if (result.ok) throw new Error(`${body} did not fail`);
        messages.push(result.message);
      }
      expect(messages[1]).to.equal(messages[0]);
      return messages[0] ?? '';
    }

    for (const { key, model, member } of places.filter((place) => place.member.compatibility === 'missing')) {
      if (model.compatibility === 'missing') continue;
      it(`${key} says so, and what to use instead`, async () => {
        const [hook, expression] = whereabouts[model.name] ?? [];
        if (!hook) throw new Error(`no script meets a ${model.name}`);
        const told = `${key} is not supported. ${member.note}`;
        if (member.kind === 'method') {
          expect(await failureOf(hook, `${expression}.${member.name}('a');`)).to.include(told);
          return;
        }
        expect(await failureOf(hook, `return ${expression}.${member.name};`)).to.equal(told);
        expect(await failureOf(hook, `${expression}.${member.name} = 1;`)).to.equal(told);
        expect(await failureOf(hook, `return ${expression}.get${capitalized(member.name)}();`)).to.equal(told);
        const seen = `[...Object.keys(${expression}), ...Object.keys(JSON.parse(JSON.stringify(${expression})))].includes('${member.name}')`;
        expect(await answerOf({ hook, run: seen, expected: false })).to.equal(false);
      });
    }

    for (const { name, note } of missingGlobals)
      it(`${name} says so, and what to use instead`, async () => {
        expect(await failureOf('onPostAuthorize', `return ${name}('a');`)).to.equal(
          `ReferenceError: ${name} is not defined: ${name} is not supported. ${note}`,
        );
        // A script may ask whether it is there.
        expect(await answerOf({ hook: 'onPostAuthorize', run: `typeof ${name}`, expected: '' })).to.equal('undefined');
      });

    it('is not said of a name that the script itself is wrong about', async () => {
      expect(await failureOf('onPostAuthorize', 'return noSuchThing();')).to.equal(
        'ReferenceError: noSuchThing is not defined',
      );
      expect(await failureOf('onPostAuthorize', 'theDetails.noSuchThing();')).to.equal(
        'TypeError: theDetails.noSuchThing is not a function',
      );
    });
  });

  it('tells a log-in with a password from one at a provider as Smile CDR does', async () => {
    const { session, context } = inputs.onAuthenticateSuccess;
    const local = { session, context: { ...context, claims: {} } } as unknown as Json;
    const source = scriptOf('onAuthenticateSuccess', `Log.info(typeof theContext.getClaim);`);
    const results = [
      await sandbox.run('onAuthenticateSuccess', source),
      await sandbox.run('onAuthenticateSuccess', source, local),
    ];
    expect(results.map(({ logs }) => logs[0]?.message)).to.deep.equal(['function', 'undefined']);
  });

  it('hands what onTokenGenerating adds to the engine', async () => {
    const body = `theAuthorizationRequestDetails.addAccessTokenClaim('a', { b: [1] });
      theAuthorizationRequestDetails.addIdTokenClaim('c', 'd');
      theAuthorizationRequestDetails.addLaunchParameter('need_patient_banner', true);
      theAuthorizationRequestDetails.removeScope('openid');`;
    const result = await sandbox.run('onTokenGenerating', scriptOf('onTokenGenerating', body));
    if (!result.ok) throw new Error(result.message);
    expect(result.value).to.deep.include({
      accessTokenClaims: { a: { b: [1] } },
      idTokenClaims: { c: 'd' },
      launchParameters: { need_patient_banner: true },
      approvedScopes: ['patient/*.rs'],
    });
  });

  it('answers failures with what was filled in, and choices with whether one must be picked', async () => {
    const failing = `const failure = theOutcomeFactory.newFailure(); failure.message = 'no'; failure.setUnknownUsername(true);
      failure.incorrectPassword = false; return failure;`;
    for (const hook of ['onAuthenticateSuccess', 'authenticate'] as const) {
      const result = await sandbox.run(hook, scriptOf(hook, failing));
      if (!result.ok) throw new Error(result.message);
      expect((result.value as { failure: Json }).failure).to.deep.equal({ message: 'no', unknownUsername: true });
    }
    for (const required of [true, false]) {
      const hook = 'onSmartLoginPreContextSelection';
      const result = await sandbox.run(hook, scriptOf(hook, `theContextSelectionChoices.setRequired(${required});`));
      if (!result.ok) throw new Error(result.message);
      expect((result.value as { required: Json }).required).to.equal(required);
    }
  });

  it('logs by level, in order, objects as JSON, from classic scripts and modules', async () => {
    const body = `Log.debug('a', { b: 1 }); Log.info('c'); console.warn('d'); Log.error('e', [1]); console.log('f'); println('g', 2);`;
    for (const top of ['', `import 'sallyport/scopes';`]) {
      const result = await sandbox.run('onPostAuthorize', scriptOf('onPostAuthorize', body, top));
      expect(result.logs).to.deep.equal([
        { level: 'debug', message: 'a {"b":1}' },
        { level: 'info', message: 'c' },
        { level: 'warn', message: 'd' },
        { level: 'error', message: 'e [1]' },
        { level: 'info', message: 'f' },
        { level: 'info', message: 'g 2' },
      ]);
    }
  });

  it('masks secrets wherever they are written', async () => {
    const body = `Log.info('key ' + Secrets.get('apiKey')); throw new Error(Secrets.get('apiKey'));`;
    const result = await sandbox.run('onPostAuthorize', scriptOf('onPostAuthorize', body));
    expect(JSON.stringify(result)).not.to.include('a-secret-value');
  });

  it('denies for good, whatever the script catches', async () => {
    const body = `try { deny('not at night'); } catch {} return null;`;
    const result = await sandbox.run('onPostAuthorize', scriptOf('onPostAuthorize', body));
    expect(result).to.include({ ok: false, kind: 'denied', message: 'not at night' });
  });

  it('tries a call as often, and waits as long, as sallyport/http is told', async () => {
    const asked = sandbox.requests.filter(({ url }) => url === 'https://retry.example/');
    const body = `await get('https://api.example/slow', { timeoutMilliseconds: 1234 });`;
    await sandbox.run('onPostAuthorize', scriptOf('onPostAuthorize', body, `import { get } from 'sallyport/http';`));
    // Once, and twice more.
    expect(asked).to.have.length(3);
    expect(sandbox.requests.at(-1)?.timeoutMilliseconds).to.equal(1234);
  });

  it('calls no host that the tenant does not allow', async () => {
    const body = `await fetch('https://api.example/allowed').catch(() => null);`;
    await sandbox.run('onPostAuthorize', scriptOf('onPostAuthorize', body));
    // The guard itself is the outbound client's: it is told what is allowed with every call.
    expect(sandbox.requests.at(-1)?.allow).to.deep.equal(['api.example', 'other.example', 'keys.example']);
  });
});
