/** Checks a document against its JSON Schema, fills in defaults, and tells all violations at once. */
import { readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { Problem } from './problem.ts';
import { toProblems } from './violation.ts';

// What is checked now and then is not worth the time it takes to make the checks quicker.
const code = { optimize: false };
const ajv = new Ajv2020({ allErrors: true, useDefaults: true, strict: false, verbose: true, code });
formats.default(ajv);

type DocumentKind = 'tenant' | 'server' | 'case' | 'flow-case';

/** Compiled when the first document of its kind comes: a start waits for none that it does not need. */
const validators = new Map<DocumentKind, ValidateFunction>();

function validatorOf(kind: DocumentKind): ValidateFunction {
  const known = validators.get(kind);
  if (known) return known;
  const schema = new URL(`../../schemas/${kind}.schema.json`, import.meta.url);
  const validate = ajv.compile(JSON.parse(readFileSync(schema, 'utf8')));
  validators.set(kind, validate);
  return validate;
}

/** Validates in place (defaults are filled in). Answers the violations as ajv reports them. */
export function violationsOf(kind: DocumentKind, document: unknown): readonly ErrorObject[] {
  const validate = validatorOf(kind);
  return validate(document) ? [] : (validate.errors ?? []);
}

/** Validates in place (defaults are filled in). Answers every violation; none when the document is valid. */
export function validateDocument(kind: DocumentKind, document: unknown, file: string): readonly Problem[] {
  return toProblems(violationsOf(kind, document), file);
}
