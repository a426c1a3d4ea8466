/**
 * What a callback may have done, as JSON Schema (2020-12). Nothing a realm reports is used before it passes here;
 * policy (which scopes, which claims) is checked where the effect is applied. The schemas are the script API's own.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { hookEffects } from '../script/api/effects.ts';
import { jsonDefinition } from '../script/api/schema.ts';
import type { HookName } from '../script/runner.ts';

const ajv = new Ajv2020({ allErrors: false, strict: false });
/** Compiled when the first effect of its hook comes. */
const validators = new Map<HookName, ValidateFunction>();

function schemaOf(hook: HookName): Record<string, unknown> {
  return { ...hookEffects[hook].schema, $defs: { json: jsonDefinition } };
}

/** Answers undefined for a well-formed effect, else a sentence naming the property and what is allowed there. */
export function validateEffect(hook: HookName, effect: unknown): string | undefined {
  if (!Object.hasOwn(hookEffects, hook)) return `the hook ${hook} is unknown`;
  const validate = validators.get(hook) ?? ajv.compile(schemaOf(hook));
  validators.set(hook, validate);
  if (validate(effect)) return undefined;
  const problem = validate.errors?.[0];
  return `the result of ${hook} is wrong at ${problem?.instancePath || '/'}: ${problem?.message ?? 'malformed'}`;
}

/** The JSON Schemas of all effects, for documentation and tests. */
export const effectSchemas: Readonly<Record<string, unknown>> = Object.fromEntries(
  (Object.keys(hookEffects) as HookName[]).map((hook) => [hook, schemaOf(hook)]),
);
