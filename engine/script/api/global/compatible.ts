/** The helpers that Smile CDR scripts know, and the few of ours that are like them. */
import type { GlobalName, Member, Model } from '../entry.ts';
import { different, method, missing, model, ours, same } from '../make.ts';

const levels: readonly (readonly [name: string, documentation: string])[] = [
  ['debug', 'A line for whoever looks into a problem.'],
  ['info', 'A line that says what happened.'],
  ['warn', 'A line about something that should not be.'],
  ['error', 'A line about something that went wrong.'],
];
const logMembers = (standing: Parameters<typeof method>[3]): readonly Member[] =>
  levels.map(([name, documentation]) =>
    method(name, '...parts: any[]', 'void', standing, `${documentation} Objects are written as JSON.`),
  );

const encoding = {
  encode: 'A text’s UTF-8 in base64.',
  decode: 'The text that base64 or base64url stands for; bytes that are no UTF-8 come as one character each.',
};

export const compatibleModels: readonly Model[] = [
  model(
    'LogApi',
    same,
    'Writes to the log of the tenant and to the trace of the flow, up to the tenant’s `scriptLimits.logLines` for each invocation. Values of secrets are masked.',
    [...logMembers(same), method('log', '...parts: any[]', 'void', ours, 'The same as `info`.')],
  ),
  model('ConsoleApi', ours, 'Writes where `Log` writes.', [
    ...logMembers(ours),
    method('log', '...parts: any[]', 'void', ours, 'The same as `info`.'),
  ]),
  model('Base64Api', same, 'Base64 of texts.', [
    method('encode', 'text: string', 'string', same, encoding.encode),
    method('decode', 'text: string', 'string', same, encoding.decode),
  ]),
  model('ConverterApi', same, 'Turns texts into other notations and back.', [
    method('base64Encode', 'text: string', 'string', same, encoding.encode),
    method('base64Decode', 'text: string', 'string', same, encoding.decode),
    method('urlEncodeString', 'text: string', 'string', same, 'A text as it may stand in a query or a form.'),
    method('urlDecodeString', 'text: string', 'string', same, 'The text that such a one stands for.'),
  ]),
  model('EnvironmentApi', same, 'The values that the tenant’s document names in `environment`.', [
    method('getEnv', 'name: string', 'string | null', same, 'A value; null where there is none.'),
    method('getProperty', 'name: string', 'string | null', same, 'The same as `getEnv`.'),
  ]),
  model('UuidApi', ours, 'Random identifiers.', [
    method('randomUuid', '', 'string', ours, 'A random UUID (version 4). The same as `crypto.randomUUID()`.'),
  ]),
  model(
    'SecretsApi',
    ours,
    'The tenant’s secrets. Each is readable in the hooks that its `hooks` lists, and masked wherever it is written.',
    [
      method(
        'get',
        'name: string',
        'string',
        ours,
        'A secret. Throws where there is none, or this hook may not read it.',
      ),
    ],
  ),
];

const object = (
  name: string,
  type: string,
  standing: Parameters<typeof method>[3],
  documentation: string,
): GlobalName => ({
  kind: 'global',
  name,
  model: type,
  documentation,
  ...standing,
});

export const compatibleGlobals: readonly GlobalName[] = [
  object('Log', 'LogApi', same, 'The log.'),
  object('console', 'ConsoleApi', ours, 'The log, by the name that JavaScript knows.'),
  {
    kind: 'global',
    name: 'println',
    signatures: method('println', '...parts: any[]', 'void', same, '').signatures,
    documentation: 'Writes a line to the log, as `Log.info` does.',
    ...same,
  },
  object('Http', 'HttpApi', same, 'Calls to the hosts that the tenant allows.'),
  object(
    'Fhir',
    'FhirClient',
    different(
      'Calls the first of the tenant’s `fhirServers` over HTTP, with the credential of its `access`. In Smile CDR it is the storage itself, without authorization.',
    ),
    'The tenant’s FHIR server.',
  ),
  object('FhirClientFactory', 'FhirClientFactoryApi', same, 'Makes clients of other FHIR servers.'),
  object('ResourceBuilder', 'ResourceBuilderApi', same, 'Makes FHIR resources.'),
  object('Base64', 'Base64Api', same, 'Base64 of texts.'),
  object('Converter', 'ConverterApi', same, 'Turns texts into other notations and back.'),
  object(
    'Environment',
    'EnvironmentApi',
    different(
      'Reads the tenant’s `environment`, never the environment of the server’s process: what belongs to one tenant is no other’s business. Secrets belong into `secrets`.',
    ),
    'The tenant’s own settings for its scripts.',
  ),
  object('Uuid', 'UuidApi', ours, 'Random identifiers.'),
  object('Secrets', 'SecretsApi', ours, 'The tenant’s secrets.'),
  {
    kind: 'global',
    name: 'deny',
    signatures: method('deny', 'reason?: string', 'never', ours, '').signatures,
    documentation:
      'Ends the flow by the script’s decision: the app is told `access_denied`, the log and the trace the reason. It stays ended where the script catches what this throws.',
    ...ours,
  },
];

/** Names that scripts may look for in vain. Each stays undefined; what uses it fails with the note. */
export const missingGlobals: readonly GlobalName[] = (
  [
    [
      'Sql',
      'Database queries.',
      'Scripts reach no database. Keep small things with `sallyport/kv`, or call a service over HTTP.',
    ],
    [
      'Xml',
      'XML documents.',
      'There is no XML parser. Ask the service for JSON, or import a parser from a file of the tenant’s own.',
    ],
    ['JWT', 'JSON Web Tokens.', 'Import `decode` or `verify` from `sallyport/jwt`.'],
    [
      'Java',
      'Classes of the Java platform.',
      'There is no Java here. What scripts use it for is in the globals and in `sallyport/…`.',
    ],
    [
      'Packages',
      'Classes of the Java platform.',
      'There is no Java here. What scripts use it for is in the globals and in `sallyport/…`.',
    ],
    ['importPackage', 'Classes of the Java platform.', 'There is no Java here.'],
    ['load', 'Runs another script file.', 'Import it: `import { name } from "./file.js"`.'],
    [
      'require',
      'Loads a CommonJS module.',
      'Import it: `import { name } from "./file.js"`. A package from npm is bundled into a file first.',
    ],
    ['process', 'The Node.js process.', 'Settings are in `Environment`, secrets in `Secrets`.'],
    ['Buffer', 'Bytes as Node.js has them.', 'Use `Uint8Array`, `TextEncoder`, `TextDecoder`, `Base64`.'],
    ['XMLHttpRequest', 'HTTP as old browsers have it.', 'Use `fetch`, `Http` or `sallyport/http`.'],
    [
      'setTimeout',
      'Runs something later.',
      'A hook answers and is gone. Retries and time-outs of calls are options of `sallyport/http`.',
    ],
    [
      'setInterval',
      'Runs something again and again.',
      'A hook answers and is gone. What comes back later belongs into a service of its own.',
    ],
    ['setImmediate', 'Runs something a little later.', 'Use `queueMicrotask`, or `await`.'],
    ['WebAssembly', 'Compiled code.', 'Callbacks are JavaScript and TypeScript.'],
    ['SharedArrayBuffer', 'Memory shared with other threads.', 'There are none. Use `ArrayBuffer`.'],
    ['Atomics', 'Memory shared with other threads.', 'There are none.'],
    ['WeakRef', 'References that do not keep.', 'Nothing outlives an invocation. Use a plain reference.'],
    ['FinalizationRegistry', 'Tells when something was collected.', 'Nothing outlives an invocation.'],
  ] as const
).map(([name, documentation, note]): GlobalName => ({ kind: 'global', name, documentation, ...missing(note) }));
