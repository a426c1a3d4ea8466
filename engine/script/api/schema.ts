/** The JSON Schemas of what crosses the boundary between engine and sandbox, made of the models' own. */
import type { Model, Schema } from './entry.ts';

export const text: Schema = { type: 'string', maxLength: 1024 };
export const truth: Schema = { type: 'boolean' };
/** Any JSON value; `jsonDefinition` says what that is. */
export const json: Schema = { $ref: '#/$defs/json' };
export const fhirType: Schema = { type: 'string', pattern: '^[A-Za-z]{1,64}$' };
export const fhirId: Schema = { type: 'string', pattern: '^[A-Za-z0-9.\\-]{1,64}$' };

export const jsonDefinition: Schema = {
  anyOf: [
    { type: ['null', 'boolean', 'number'] },
    { type: 'string', maxLength: 65536 },
    { type: 'array', maxItems: 1000, items: json },
    { type: 'object', maxProperties: 1000, additionalProperties: json },
  ],
};

export const listOf = (items: Schema, maxItems: number): Schema => ({ type: 'array', maxItems, items });
export const mapOf = (maxProperties: number): Schema => ({
  type: 'object',
  maxProperties,
  additionalProperties: json,
});
/** A map whose names go into a token or its response. */
export const claimMap: Schema = {
  type: 'object',
  maxProperties: 100,
  propertyNames: { minLength: 1, maxLength: 255 },
  additionalProperties: json,
};

export function object(
  properties: Readonly<Record<string, unknown>>,
  required: readonly string[] = Object.keys(properties),
): Schema {
  return { type: 'object', properties, required, additionalProperties: false };
}

/** The schema of a model as the engine gets it back. */
export function schemaOf(model: Model): Schema {
  const crossing = model.members.filter((member) => member.kind === 'property' && member.schema !== undefined);
  const properties = crossing.flatMap((member) => (member.kind === 'property' ? [[member.name, member.schema]] : []));
  const required = crossing.filter((member) => member.kind === 'property' && !member.optional);
  return object(
    Object.fromEntries(properties),
    required.map(({ name }) => name),
  );
}
