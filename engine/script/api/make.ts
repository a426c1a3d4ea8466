/** Short ways to write entries of the catalogue down. */
import type { Member, Method, Model, Parameter, Property, Schema, Signature } from './entry.ts';

type Standing = Pick<Member, 'compatibility' | 'note'>;

export const same: Standing = { compatibility: 'same' };
export const ours: Standing = { compatibility: 'ours' };
export const different = (note: string): Standing => ({ compatibility: 'different', note });
export const missing = (note: string): Standing => ({ compatibility: 'missing', note });

/** Splits at commas that stand in no bracket. */
function topLevelParts(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index] ?? '';
    if ('([{<'.includes(character)) depth += 1;
    // The arrow of a function type closes nothing.
    else if (')]}'.includes(character) || (character === '>' && text[index - 1] !== '=')) depth -= 1;
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(from, index));
      from = index + 1;
    }
  }
  return [...parts, text.slice(from)].map((part) => part.trim()).filter((part) => part !== '');
}

/** @param text as TypeScript has it between the parentheses: `permission: string, argument?: string`. */
export function parametersOf(text: string): readonly Parameter[] {
  return topLevelParts(text).map((part) => {
    const [, name = '', mark = '', type = ''] = /^((?:\.\.\.)?\w+)(\??):\s*([\s\S]+)$/.exec(part) ?? [];
    if (name === '') throw new Error(`not a parameter: ${part}`);
    return { name, type, optional: mark === '?' };
  });
}

export function signature(parameters: string, result: string): Signature {
  return { parameters: parametersOf(parameters), result };
}

export function property(
  name: string,
  type: string,
  standing: Standing,
  documentation: string,
  more: {
    readonly readonly?: boolean;
    readonly accessors?: boolean;
    readonly schema?: Schema;
    optional?: boolean;
  } = {},
): Property {
  const { readonly = false, accessors = false, optional = false, schema } = more;
  return {
    kind: 'property',
    name,
    type,
    documentation,
    ...standing,
    readonly,
    accessors,
    optional,
    ...(schema ? { schema } : {}),
  };
}

/** A property with `getX()` and `setX()`, as the Java objects of Smile CDR have them. */
export function bean(
  name: string,
  type: string,
  standing: Standing,
  documentation: string,
  more: { readonly readonly?: boolean; readonly schema?: Schema; readonly optional?: boolean } = {},
): Property {
  return property(name, type, standing, documentation, { ...more, accessors: true });
}

export function method(
  name: string,
  parameters: string,
  result: string,
  standing: Standing,
  documentation: string,
  more: { readonly also?: readonly Signature[]; readonly generics?: string } = {},
): Method {
  const { also = [], generics = '' } = more;
  return {
    kind: 'method',
    name,
    generics,
    signatures: [signature(parameters, result), ...also],
    documentation,
    ...standing,
  };
}

export function model(
  name: string,
  standing: Standing,
  documentation: string,
  members: readonly Member[],
  more: Partial<Pick<Model, 'generics' | 'extends' | 'others' | 'construct' | 'statics'>> = {},
): Model {
  return { kind: 'model', name, documentation, ...standing, generics: '', members, ...more };
}
