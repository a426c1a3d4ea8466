/** Checks a request's body and query against its route's schemas, and tells all violations at once. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { Problem } from '../tenant/problem.ts';
import { toProblems } from '../tenant/violation.ts';
import type { JsonSchema, Route } from './route.ts';

const bodies = new Ajv2020({ allErrors: true, useDefaults: true, strict: false, verbose: true });
// A query is text; numbers and booleans are read from it.
const queries = new Ajv2020({ allErrors: true, useDefaults: true, strict: false, verbose: true, coerceTypes: true });
formats.default(bodies);
formats.default(queries);

const compiled = new WeakMap<object, ValidateFunction>();

function check(ajv: Ajv2020, schema: JsonSchema, value: unknown): readonly Problem[] {
  const validate = compiled.get(schema) ?? ajv.compile(schema);
  compiled.set(schema, validate);
  return validate(value) ? [] : toProblems(validate.errors ?? [], 'body');
}

/** Fills in defaults in place. */
export function checkBody(schema: JsonSchema, body: unknown): readonly Problem[] {
  return check(bodies, schema, body);
}

const querySchemas = new WeakMap<object, JsonSchema>();

/** Fills in defaults and reads numbers in place. Unknown parameters are violations. */
export function checkQuery(route: Route, query: object): readonly Problem[] {
  const schema = querySchemas.get(route) ?? {
    type: 'object',
    properties: route.query ?? {},
    additionalProperties: false,
  };
  querySchemas.set(route, schema);
  return check(queries, schema, query);
}
