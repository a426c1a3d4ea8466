/**
 * What a callback may have done, as JSON Schema (2020-12). Nothing a realm reports is used before it passes here;
 * policy (which scopes, which claims) is checked where the effect is applied.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { HookName } from '../script/runner.ts';

const text = { type: 'string', maxLength: 1024 } as const;
const json = { $ref: '#/$defs/json' } as const;
const object = (properties: Record<string, unknown>, required: readonly string[] = Object.keys(properties)) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

const authority = object({ permission: { type: 'string', pattern: '^[A-Z][A-Z0-9_]{1,80}$' }, argument: text }, [
  'permission',
]);
const launchContext = object({ contextType: text, resourceId: text });
const session = object(
  {
    username: { type: 'string', minLength: 1, maxLength: 255 },
    external: { type: 'boolean' },
    givenName: text,
    familyName: text,
    email: text,
    notes: { type: 'string', maxLength: 8192 },
    fhirUserUrl: text,
    authorities: { type: 'array', maxItems: 500, items: authority },
    defaultLaunchContexts: { type: 'array', maxItems: 100, items: launchContext },
    launchResourceIds: {
      type: 'array',
      maxItems: 100,
      items: object({
        resourceType: { type: 'string', pattern: '^[A-Za-z]{1,64}$' },
        resourceId: { type: 'string', pattern: '^[A-Za-z0-9.\\-]{1,64}$' },
      }),
    },
    fhirContext: {
      type: 'array',
      maxItems: 100,
      items: object({ reference: text, role: { type: 'string', minLength: 1, maxLength: 1024 } }, ['reference']),
    },
    userData: { type: 'object', maxProperties: 200, additionalProperties: json },
  },
  ['username', 'external', 'authorities', 'defaultLaunchContexts', 'launchResourceIds', 'fhirContext', 'userData'],
);
const failure = object(
  { message: text, unknownUsername: { type: 'boolean' }, incorrectPassword: { type: 'boolean' } },
  [],
);
const choice = object(
  {
    contextType: { type: 'string', pattern: '^[A-Za-z]{1,64}$' },
    resourceId: { type: 'string', pattern: '^[A-Za-z0-9.\\-]{1,64}$' },
    display: { type: 'string', minLength: 1, maxLength: 255 },
    birthDate: text,
    sex: text,
    identifier: text,
    launchParameters: { type: 'object', maxProperties: 50, additionalProperties: json },
  },
  ['contextType', 'resourceId', 'display'],
);
const claims = {
  type: 'object',
  maxProperties: 100,
  propertyNames: { minLength: 1, maxLength: 255 },
  additionalProperties: json,
};

const effects: Record<HookName, unknown> = {
  onAuthenticateSuccess: object({ session, failure }, ['session']),
  getUserName: object({ username: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[^\\u0000-\\u001f]+$' } }),
  authenticate: object({ session, failure }, []),
  onSmartLoginPreContextSelection: object({
    session,
    choices: { type: 'array', maxItems: 2000, items: choice },
    required: { type: 'boolean' },
  }),
  onTokenGenerating: object({
    session: { anyOf: [session, { type: 'null' }] },
    accessTokenClaims: claims,
    idTokenClaims: claims,
    launchParameters: claims,
    approvedScopes: {
      type: 'array',
      maxItems: 500,
      items: { type: 'string', pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]{1,512}$' },
    },
  }),
  onPostAuthorize: object({}, []),
};

const ajv = new Ajv2020({ allErrors: false, strict: false });
const validators = new Map<HookName, ValidateFunction>(
  (Object.keys(effects) as HookName[]).map((hook) => [hook, ajv.compile(schemaOf(hook))]),
);

function schemaOf(hook: HookName): Record<string, unknown> {
  return {
    ...(effects[hook] as Record<string, unknown>),
    $defs: {
      json: {
        anyOf: [
          { type: ['null', 'boolean', 'number'] },
          { type: 'string', maxLength: 65536 },
          { type: 'array', maxItems: 1000, items: json },
          { type: 'object', maxProperties: 1000, additionalProperties: json },
        ],
      },
    },
  };
}

/** Answers undefined for a well-formed effect, else a sentence naming the property and what is allowed there. */
export function validateEffect(hook: HookName, effect: unknown): string | undefined {
  const validate = validators.get(hook);
  if (!validate) return `the hook ${hook} is unknown`;
  if (validate(effect)) return undefined;
  const problem = validate.errors?.[0];
  return `the result of ${hook} is wrong at ${problem?.instancePath || '/'}: ${problem?.message ?? 'malformed'}`;
}

/** The JSON Schemas of all effects, for documentation and tests. */
export const effectSchemas: Readonly<Record<string, unknown>> = Object.fromEntries(
  (Object.keys(effects) as HookName[]).map((hook) => [hook, schemaOf(hook)]),
);
