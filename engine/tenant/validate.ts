/** Checks a document against its JSON Schema, fills in defaults, and tells all violations at once. */
import { readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { didYouMean, problem, type Problem } from './problem.ts';

const ajv = new Ajv2020({ allErrors: true, useDefaults: true, strict: false, verbose: true });
formats.default(ajv);

function compileSchema(name: string) {
  return ajv.compile(JSON.parse(readFileSync(new URL(`../../schemas/${name}.schema.json`, import.meta.url), 'utf8')));
}

const validators = { tenant: compileSchema('tenant'), server: compileSchema('server') };

function describe(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value !== null && typeof value === 'object') return 'an object';
  return typeof value === 'string' ? 'this text' : String(value);
}

/** @param file names the document in the sentence. */
export function toProblem(error: ErrorObject, file: string): Problem {
  const pointer = error.instancePath;
  if (error.keyword === 'additionalProperties') {
    const key = String(error.params['additionalProperty']);
    const known = Object.keys((error.parentSchema?.['properties'] as object | undefined) ?? {});
    const escaped = key.replaceAll('~', '~0').replaceAll('/', '~1');
    const hint = didYouMean(key, known) || `known names: ${known.join(', ')}`;
    return problem('unknown-key', file, `${pointer}/${escaped}`, `the unknown name "${key}"`, 'a known name', hint);
  }
  if (error.keyword === 'required') {
    const key = String(error.params['missingProperty']);
    return problem('missing', file, pointer, 'nothing', `"${key}"`, `add "${key}"`);
  }
  const allowed: unknown = error.params['allowedValues'];
  const expected = Array.isArray(allowed)
    ? `one of ${allowed.join(', ')}`
    : `a value that ${error.message ?? 'is valid'}`;
  const hint =
    Array.isArray(allowed) && typeof error.data === 'string' ? didYouMean(error.data, allowed.map(String)) : '';
  return problem(`schema-${error.keyword}`, file, pointer, describe(error.data), expected, hint);
}

/** Validates in place (defaults are filled in). Answers every violation; none when the document is valid. */
export function validateDocument(kind: 'tenant' | 'server', document: unknown, file: string): readonly Problem[] {
  const validate = validators[kind];
  if (validate(document)) return [];
  return (validate.errors ?? []).map((error) => toProblem(error, file));
}
