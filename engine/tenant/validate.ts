/** Checks a document against its JSON Schema, fills in defaults, and tells all violations at once. */
import { readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { Problem } from './problem.ts';
import { toProblems } from './violation.ts';

const ajv = new Ajv2020({ allErrors: true, useDefaults: true, strict: false, verbose: true });
formats.default(ajv);

function compileSchema(name: string) {
  return ajv.compile(JSON.parse(readFileSync(new URL(`../../schemas/${name}.schema.json`, import.meta.url), 'utf8')));
}

const validators = {
  tenant: compileSchema('tenant'),
  server: compileSchema('server'),
  case: compileSchema('case'),
  'flow-case': compileSchema('flow-case'),
};

type DocumentKind = keyof typeof validators;

/** Validates in place (defaults are filled in). Answers the violations as ajv reports them. */
export function violationsOf(kind: DocumentKind, document: unknown): readonly ErrorObject[] {
  const validate = validators[kind];
  return validate(document) ? [] : (validate.errors ?? []);
}

/** Validates in place (defaults are filled in). Answers every violation; none when the document is valid. */
export function validateDocument(kind: DocumentKind, document: unknown, file: string): readonly Problem[] {
  return toProblems(violationsOf(kind, document), file);
}
