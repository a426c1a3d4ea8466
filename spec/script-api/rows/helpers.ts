import { does, type Row, type Rows } from './row.ts';

const at = (run: string, expected: unknown): Row => does('onPostAuthorize', run, expected);
const uuid = '/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/';
/** What is logged is tried by itself, in `conformance.spec.ts`: here it answers nothing and stops nobody. */
const logs = (name: string): Rows =>
  Object.fromEntries(
    ['debug', 'info', 'warn', 'error', 'log'].map((level) => [
      `${name === 'Log' ? 'LogApi' : 'ConsoleApi'}.${level}`,
      at(`${name}.${level}('a', { b: 1 }, null) ?? null`, null),
    ]),
  );

export const helperRows: Rows = {
  ...logs('Log'),
  ...logs('console'),
  'Base64Api.encode': at(`[Base64.encode('héllo'), Base64.encode('')]`, ['aMOpbGxv', '']),
  'Base64Api.decode': at(`[Base64.decode('aMOpbGxv'), Base64.decode('_-8'), Base64.decode('eyJhIjoxfQ')]`, [
    'héllo',
    '\u00ff\u00ef',
    '{"a":1}',
  ]),
  'ConverterApi.base64Encode': at(`Converter.base64Encode('a?b')`, 'YT9i'),
  'ConverterApi.base64Decode': at(`Converter.base64Decode('YT9i')`, 'a?b'),
  'ConverterApi.urlEncodeString': at(`Converter.urlEncodeString('a b&c=é')`, 'a%20b%26c%3D%C3%A9'),
  'ConverterApi.urlDecodeString': at(`Converter.urlDecodeString('a%20b%26c%3D%C3%A9')`, 'a b&c=é'),
  'EnvironmentApi.getEnv': at(
    `[Environment.getEnv('DEPARTMENT'), Environment.getEnv('PATH'), Environment.getEnv('toString')]`,
    ['Cardiology', null, null],
  ),
  'EnvironmentApi.getProperty': at(`Environment.getProperty('DEPARTMENT')`, 'Cardiology'),
  'UuidApi.randomUuid': at(`[${uuid}.test(Uuid.randomUuid()), Uuid.randomUuid() === Uuid.randomUuid()]`, [true, false]),
  'SecretsApi.get': at(
    `{ const told = []; for (const name of ['other', 'none']) try { Secrets.get(name); } catch (error) { told.push(error.message); }
      return [Secrets.get('apiKey').length, ...told]; }`,
    [14, 'the secret other is not for this hook: name the hook in secrets.other.hooks', 'there is no secret none'],
  ),
};

/** Globals that are functions, or that are made with `new`: each by itself. */
export const globalRows: Rows = {
  Log: at(`typeof Log.info`, 'function'),
  console: at(`typeof console.log`, 'function'),
  println: at(`println('a', 1) ?? null`, null),
  Http: at(`typeof Http.get('https://api.example/')`, 'object'),
  Fhir: at(`Fhir.read('Patient/jane')?.server`, 'https://fhir.example'),
  FhirClientFactory: at(`typeof FhirClientFactory.newClient('second').search`, 'function'),
  ResourceBuilder: at(`ResourceBuilder.build('Patient')`, { resourceType: 'Patient' }),
  Base64: at(`Base64.encode('a')`, 'YQ=='),
  Converter: at(`Converter.base64Encode('a')`, 'YQ=='),
  Environment: at(`Environment.getEnv('DEPARTMENT')`, 'Cardiology'),
  Uuid: at(`Uuid.randomUuid().length`, 36),
  Secrets: at(`Secrets.get('apiKey').length`, 14),
  // It ends the flow even where the script catches what it throws; `conformance.spec.ts` sees that.
  deny: at(`typeof deny`, 'function'),
  fetch: at(`(await fetch('https://api.example/')).status`, 200),
  Headers: at(`new Headers({ a: 'b' }).get('A')`, 'b'),
  URL: at(`new URL('/b', 'https://a.example/x').href`, 'https://a.example/b'),
  URLSearchParams: at(`new URLSearchParams('a=1&b=2').get('b')`, '2'),
  TextEncoder: at(`Array.from(new TextEncoder().encode('é'))`, [195, 169]),
  TextDecoder: at(`new TextDecoder().decode(new Uint8Array([195, 169]))`, 'é'),
  crypto: at(`crypto.randomUUID().length`, 36),
  structuredClone: at(
    `{ const a = { b: new Date(0) }; const c = structuredClone(a); return [c !== a, c.b !== a.b, c.b.toISOString()]; }`,
    [true, true, '1970-01-01T00:00:00.000Z'],
  ),
  atob: at(`atob('aGk=')`, 'hi'),
  btoa: at(`btoa('hi')`, 'aGk='),
  queueMicrotask: at(
    `{ const order = ['now']; queueMicrotask(() => order.push('soon')); order.push('still now'); await null; return order; }`,
    ['now', 'still now', 'soon'],
  ),
};
