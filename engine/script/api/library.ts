/** The built-in modules that scripts may import. Their code is in `engine/script/library/`. */
import type { LibraryModule, Method, Model, Property } from './entry.ts';
import { method, model, ours, property, signature } from './make.ts';

const fn = (name: string, parameters: string, result: string, documentation: string): Method =>
  method(name, parameters, result, ours, documentation);
const field = (name: string, type: string, documentation: string, optional = false): Property =>
  property(name, type, ours, documentation, { readonly: true, optional });

const errorClass = (name: string, documentation: string, parameters: string, members: readonly Property[]): Model =>
  model(name, ours, documentation, members, { extends: 'Error', construct: [signature(parameters, name)] });

function library(
  name: string,
  documentation: string,
  functions: readonly Method[],
  models: readonly Model[] = [],
): LibraryModule {
  const classes = models.filter(({ construct }) => construct !== undefined).map(({ name: each }) => each);
  return { kind: 'module', name: `sallyport/${name}`, documentation, ...ours, functions, models, classes };
}

const reference = 'reference: string';
const searchParameters = 'parameters?: SearchParameters';
const fhirClient: readonly Method[] = [
  fn(
    'read',
    reference,
    'Promise<Resource | undefined>',
    'A resource such as `Patient/123`; undefined where there is none, or no longer.',
  ),
  fn(
    'search',
    `type: string, ${searchParameters}`,
    'Promise<readonly Resource[]>',
    'The resources of the first page. A list of values stands for repeated parameters, all of which must match.',
  ),
  fn(
    'searchBundle',
    `type: string, ${searchParameters}`,
    'Promise<Bundle>',
    'The same as a Bundle, with its links and its total.',
  ),
  fn('create', 'resource: Resource', 'Promise<Resource>', 'Creates a resource; answers it with its id.'),
  fn('update', 'resource: Resource', 'Promise<Resource>', 'Replaces a resource, or creates it under its id.'),
  fn('remove', reference, 'Promise<void>', 'Deletes a resource; one that is gone is fine.'),
  fn(
    'operation',
    'path: string, parameters?: Resource',
    'Promise<Resource>',
    'Runs an operation, such as `Patient/123/$everything`; with parameters it is a POST.',
  ),
  fn('transaction', 'bundle: Bundle', 'Promise<Bundle>', 'Runs a Bundle of type `transaction` or `batch`.'),
];

const httpVerb = (name: string, word: string) =>
  fn(name, 'url: string | URL, options?: HttpOptions', 'Promise<HttpAnswer>', `A ${word} request.`);

const code = (examples: string) => field('code', 'string', `A stable name of the failure: ${examples}.`);

export const libraryModules: readonly LibraryModule[] = [
  library(
    'http',
    'Calls to the hosts that the tenant allows, with time-outs and retries.',
    [
      fn(
        'request',
        'url: string | URL, options?: HttpOptions & { readonly method?: string }',
        'Promise<HttpAnswer>',
        'Makes a call. An answer of any status is one; rejects with HttpError where there is none.',
      ),
      httpVerb('get', 'GET'),
      httpVerb('head', 'HEAD'),
      httpVerb('post', 'POST'),
      httpVerb('put', 'PUT'),
      httpVerb('patch', 'PATCH'),
      httpVerb('del', 'DELETE'),
    ],
    [
      model('HttpOptions', ours, 'How to call.', [
        field('headers', '{ readonly [name: string]: string }', 'Headers to send.', true),
        field('body', 'string', 'A body to send.', true),
        field('json', 'unknown', 'A body to send as JSON, with its content type.', true),
        field(
          'timeoutMilliseconds',
          'number',
          'Of each attempt; the wall clock of the invocation ends it at the latest.',
          true,
        ),
        field(
          'retries',
          'number',
          'Further attempts where the host cannot be reached or answers 502, 503 or 504; at most 3, of methods that may be repeated only.',
          true,
        ),
      ]),
      model('HttpAnswer', ours, 'What came back.', [
        field('status', 'number', 'The HTTP status.'),
        field('ok', 'boolean', 'Whether it is 2xx.'),
        field('headers', '{ readonly [name: string]: string }', 'By their names in lower case.'),
        field('text', 'string', 'The body.'),
        fn('json', '', 'any', 'The body, read as JSON. Throws where it is none.'),
      ]),
      errorClass(
        'HttpError',
        'The host could not be reached, or the tenant’s rules forbid the call.',
        'message: string, code: string',
        [code('`blocked`, `unreachable`, `timeout`, `too-large`')],
      ),
    ],
  ),
  library(
    'fhir',
    'The tenant’s FHIR servers, with the tenant’s own credential. The functions are for its first server; `server(name)` is another.',
    [
      ...fhirClient,
      fn(
        'server',
        'name: string',
        'FhirClient',
        'Another of the tenant’s FHIR servers by its name, or any allowed one by its address.',
      ),
    ],
    [
      model(
        'Resource',
        ours,
        'A FHIR resource in JSON.',
        [field('resourceType', 'string', 'Its type.'), field('id', 'string', 'Its id.', true)],
        { others: 'any' },
      ),
      model(
        'Bundle',
        ours,
        'A FHIR Bundle.',
        [
          field(
            'entry',
            'readonly { readonly resource?: Resource; readonly [member: string]: any }[]',
            'What is in it.',
            true,
          ),
        ],
        { extends: 'Resource' },
      ),
      model('SearchParameters', ours, 'Conditions by the names of their search parameters.', [], {
        others: 'string | number | boolean | readonly (string | number | boolean)[]',
      }),
      model('FhirClient', ours, 'Calls to one FHIR server.', fhirClient),
      errorClass(
        'FhirError',
        'The server refused, or could not be reached.',
        'message: string, status: number | undefined, outcome: unknown',
        [
          field('status', 'number | undefined', 'The HTTP status; undefined where there was no answer.'),
          field('outcome', 'any', 'What the server sent, most often an OperationOutcome.'),
        ],
      ),
    ],
  ),
  library(
    'jwt',
    'JSON Web Tokens of others. The engine verifies them, with keys that it fetches and keeps.',
    [
      fn('decode', 'token: string', 'Jwt', 'What a token says, NOT verified.'),
      fn(
        'verify',
        'token: string, options: VerifyOptions',
        'Promise<Jwt>',
        'What a token says, once signature, issuer, audience and times are right.',
      ),
    ],
    [
      model('Jwt', ours, 'What a token says.', [
        field('header', '{ readonly [name: string]: any }', 'Its header.'),
        field('claims', '{ readonly [name: string]: any }', 'Its claims.'),
      ]),
      model('VerifyOptions', ours, 'What a token must be.', [
        field('jwksUri', 'string', 'Where the keys are; the host must be one that the tenant allows.', true),
        field('jwks', '{ readonly keys: readonly object[] }', 'The keys themselves, instead.', true),
        field('issuer', 'string', 'Who must have made it.'),
        field('audience', 'string | readonly string[]', 'Whom it must be for; one of several.'),
        field('algorithms', 'readonly string[]', 'RS256, RS384, PS256, ES256 and ES384 unless given.', true),
        field('maximumAgeSeconds', 'number', 'How long ago `iat` may be.', true),
        field('clockToleranceSeconds', 'number', '10 unless given, at most 60.', true),
      ]),
      errorClass('JwtError', 'The token is not what it should be.', 'message: string, code: string', [
        code('`expired`, `signature`, `audience`, `issuer`, `claim`, `algorithm`, `key`, `malformed`'),
      ]),
    ],
  ),
  library(
    'kv',
    'A small store of the tenant’s own, shared by its hooks, flows and nodes. Everything in it expires.',
    [
      fn('get', 'key: string', 'Promise<any>', 'A value; undefined where there is none, or no longer.'),
      fn(
        'set',
        'key: string, value: unknown, options?: KeepOptions',
        'Promise<void>',
        'Keeps any JSON, up to 16 KiB, under a key of up to 200 characters.',
      ),
      fn('remove', 'key: string', 'Promise<void>', 'Takes a value out.'),
      fn(
        'increment',
        'key: string, by?: number, options?: KeepOptions',
        'Promise<number>',
        'Adds to a number that starts at 0, in one step even between nodes; answers the sum.',
      ),
    ],
    [
      model('KeepOptions', ours, 'How long to keep it.', [
        field('ttlSeconds', 'number', 'A day unless given, at most thirty days.', true),
      ]),
      errorClass(
        'KvError',
        'A key or a value is out of bounds, or the tenant’s store is full.',
        'message: string, code: string',
        [code('`key`, `value`, `ttl`, `full`, `unavailable`')],
      ),
    ],
  ),
  library('crypto', 'The few things that callbacks need of cryptography, in one call each.', [
    fn('sha256', 'text: string', 'Promise<string>', 'SHA-256 of a text’s UTF-8, in hex.'),
    fn('hmacSha256', 'key: string, text: string', 'Promise<string>', 'HMAC with SHA-256, in hex.'),
    fn('randomId', 'bytes?: number', 'string', 'Random bytes, 16 unless told, in base64url.'),
    fn(
      'equal',
      'left: string, right: string',
      'boolean',
      'Whether two texts are equal, in a time that does not tell where they differ.',
    ),
  ]),
  library(
    'scopes',
    'SMART scopes, read and reckoned with by the engine’s own rules (v1 and v2).',
    [
      fn(
        'parse',
        'scope: string',
        'Scope | undefined',
        'A scope, taken apart; undefined for what is no well-formed scope.',
      ),
      fn('format', 'scope: Scope', 'string', 'A scope as it is written.'),
      fn(
        'covers',
        'granted: string, wanted: string',
        'boolean',
        'Whether a granted scope allows all that a wanted one does: `patient/*.rs` covers `patient/Observation.read`.',
      ),
      fn(
        'intersect',
        'left: readonly string[], right: readonly string[]',
        'readonly string[]',
        'What two lists both allow.',
      ),
      fn(
        'union',
        'left: readonly string[], right: readonly string[]',
        'readonly string[]',
        'What two lists allow together, as short as can be.',
      ),
      fn(
        'narrow',
        'scopes: readonly string[], keep: (scope: Scope) => boolean',
        'readonly string[]',
        'The scopes of a list that a function wants; it is given each one taken apart.',
      ),
    ],
    [
      model(
        'ResourceScope',
        ours,
        'A scope for FHIR resources, such as `patient/Observation.rs?category=laboratory`.',
        [
          field('kind', '"resource"', 'Which of the three it is.'),
          field('context', '"patient" | "user" | "system"', 'Whose resources.'),
          field('resourceType', 'string', 'A type, or `*`.'),
          field('permissions', 'readonly ("c" | "r" | "u" | "d" | "s")[]', 'Create, read, update, delete, search.'),
          field(
            'query',
            'readonly (readonly [name: string, value: string])[]',
            'Search parameters that a resource must meet.',
          ),
          field('notation', '"v1" | "v2"', 'As `.read`, or as `.rs`.'),
        ],
      ),
      model('LaunchScope', ours, 'A scope for launch context, such as `launch/patient`.', [
        field('kind', '"launch"', 'Which of the three it is.'),
        field('resourceType', 'string', 'In lower case; absent for `launch` alone.', true),
        field('role', 'string', 'The role that was asked for.', true),
      ]),
      model('PlainScope', ours, 'Any other scope, such as `openid`.', [
        field('kind', '"plain"', 'Which of the three it is.'),
        field('text', 'string', 'The scope itself.'),
      ]),
    ],
  ),
  library('secrets', 'The tenant’s secrets.', [
    fn(
      'secret',
      'name: string',
      'string',
      'A secret by its name. Throws where there is none, or this hook may not read it.',
    ),
  ]),
];

/** Types of a library module that are no objects. */
export const libraryAliases: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'sallyport/scopes': { Scope: 'ResourceScope | LaunchScope | PlainScope' },
};
