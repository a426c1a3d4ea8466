/** Says in words what a JSON Schema's violation found and what it expected. Shows no value that may be a secret. */
import type { ErrorObject } from 'ajv/dist/2020.js';
import { didYouMean, escapePointer, problem, type Problem } from './problem.ts';

interface Branch {
  readonly type?: string;
  readonly const?: unknown;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, { readonly const?: unknown }>>;
  readonly anyOf?: readonly Branch[];
  readonly oneOf?: readonly Branch[];
  readonly required?: readonly string[];
}

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  null: 'null',
};
const formats: Readonly<Record<string, string>> = {
  uri: 'an absolute URL',
  email: 'a mail address',
  date: 'a date such as 2026-01-31',
  'date-time': 'an instant such as 2026-01-31T12:00:00Z',
};
/** Keywords that judge a text by what it says; where they stand, the text is a name or an address, no secret. */
const telling = new Set(['enum', 'const', 'pattern', 'format']);

function plural(count: unknown, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function found({ keyword, data, parentSchema }: ErrorObject): string {
  if (Array.isArray(data)) return `a list of ${data.length}`;
  if (data === null) return 'null';
  if (typeof data === 'object') return 'an object';
  if (typeof data !== 'string') return JSON.stringify(data);
  if (telling.has(keyword) && parentSchema?.['writeOnly'] !== true)
    return JSON.stringify(data.length > 60 ? `${data.slice(0, 57)}…` : data);
  return data === '' ? 'an empty text' : 'a text';
}

function branchText({ type, required, properties, enum: values }: Branch): string {
  const kind = properties?.['type']?.const;
  if (kind !== undefined) return `{"type": ${JSON.stringify(kind)}, …}`;
  if (values) return values.map((value) => JSON.stringify(value)).join(' or ');
  if (type === 'object' && required?.length === 1) return `{"${required[0]}": …}`;
  return kinds[type ?? ''] ?? 'another value';
}

function expected({ keyword, params, parentSchema, message }: ErrorObject): string {
  const limit = params['limit'] as number | undefined;
  switch (keyword) {
    case 'type':
      return kinds[String(params['type'])] ?? String(params['type']);
    case 'enum':
      return `one of ${(params['allowedValues'] as readonly unknown[]).join(', ')}`;
    case 'const':
      return JSON.stringify(params['allowedValue']);
    case 'minLength':
      return `at least ${plural(limit, 'character')}`;
    case 'maxLength':
      return `at most ${plural(limit, 'character')}`;
    case 'minItems':
      return `at least ${plural(limit, 'item')}`;
    case 'maxItems':
      return `at most ${plural(limit, 'item')}`;
    case 'minimum':
      return `at least ${limit}`;
    case 'maximum':
      return `at most ${limit}`;
    case 'uniqueItems':
      return 'no value twice';
    case 'pattern':
      return `a text that matches ${String(params['pattern'])}`;
    case 'format':
      return formats[String(params['format'])] ?? `the format ${String(params['format'])}`;
    case 'anyOf':
    case 'oneOf':
      return (parentSchema?.[keyword] as readonly Branch[]).map(branchText).join(' or ');
    default:
      return `a value that ${message ?? 'is valid'}`;
  }
}

/** The names that an object may have: its schema's own, or those of all alternatives. */
function namesIn(schema: object | undefined): readonly string[] {
  const { properties, anyOf = [], oneOf = [] } = (schema ?? {}) as Branch;
  return [...Object.keys(properties ?? {}), ...[...anyOf, ...oneOf].flatMap(namesIn)];
}

/** The known name that an unknown one was probably meant to be. */
export function nearestName(unknown: string, schema: object | undefined): string | undefined {
  return /"(.+)"/.exec(didYouMean(unknown, namesIn(schema)))?.[1];
}

function toProblem(error: ErrorObject, file: string): Problem {
  const pointer = error.instancePath;
  if (error.keyword === 'additionalProperties') {
    const name = String(error.params['additionalProperty']);
    const known = namesIn(error.parentSchema);
    const hint = didYouMean(name, known) || `known names: ${known.join(', ')}`;
    const place = `${pointer}/${escapePointer(name)}`;
    return problem('unknown-key', file, place, `the unknown name "${name}"`, 'a known name', hint);
  }
  if (error.keyword === 'required') {
    const name = String(error.params['missingProperty']);
    return problem('missing', file, pointer, 'nothing', `"${name}"`, `add "${name}"`);
  }
  let hint = '';
  if (error.keyword === 'enum' && typeof error.data === 'string')
    hint = didYouMean(error.data, (error.params['allowedValues'] as readonly unknown[]).map(String));
  else if (error.keyword === 'anyOf' && typeof error.data === 'object' && error.data !== null) {
    const known = namesIn(error.parentSchema);
    hint =
      Object.keys(error.data)
        .filter((name) => !known.includes(name))
        .map((name) => didYouMean(name, known))
        .find((words) => words !== '') ?? '';
  }
  return problem(`schema-${error.keyword}`, file, pointer, found(error), expected(error), hint);
}

/**
 * Where a value fits none of several alternatives, each of them complains. What counts is the one alternative of the
 * value's own kind, or, where there is none or more than one, the sentence that names all of them.
 */
function withoutNoise(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  let kept = errors;
  for (const whole of errors.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf')) {
    const branchOf = ({ schemaPath }: ErrorObject) =>
      schemaPath.startsWith(`${whole.schemaPath}/`)
        ? schemaPath.slice(whole.schemaPath.length + 1).split('/')[0]
        : undefined;
    // Of another type, or of another kind by the member `type`.
    const wrongKind = ({ keyword, instancePath }: ErrorObject) =>
      (keyword === 'type' && instancePath === whole.instancePath) ||
      (keyword === 'const' && instancePath === `${whole.instancePath}/type`);
    const inside = kept.filter(
      (error) => branchOf(error) !== undefined && error.instancePath.startsWith(whole.instancePath),
    );
    const all = new Set(inside.map(branchOf));
    const wrong = new Set(inside.filter(wrongKind).map(branchOf));
    const [own, ...others] = [...all].filter((branch) => !wrong.has(branch));
    const single = own !== undefined && others.length === 0;
    kept = kept.filter((error) =>
      error === whole ? !single : !inside.includes(error) || (single && branchOf(error) === own),
    );
  }
  return kept;
}

/** @param file names the document in the sentences. */
export function toProblems(errors: readonly ErrorObject[], file: string): readonly Problem[] {
  return withoutNoise(errors).map((error) => toProblem(error, file));
}
