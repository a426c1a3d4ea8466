/** Builds the body of a call from what a person typed. */
import { readFile } from 'node:fs/promises';
import type { JsonSchema } from '../../../engine/admin/route.ts';

export interface BodyOptions {
  /** `member=value`, where a member of an object within is written `context.patient`. */
  readonly set?: readonly string[];
  readonly json?: string;
  /** A file with JSON; `-` is the standard input. */
  readonly file?: string;
}

export class UsageError extends Error {}

/** @throws UsageError when the text is not what the schema can take. */
export async function bodyOf(options: BodyOptions, schema: JsonSchema): Promise<Record<string, unknown>> {
  if (options.json !== undefined && options.file !== undefined)
    throw new UsageError('Give either --json or --file, not both.');
  const text = options.json ?? (options.file === undefined ? '{}' : await read(options.file));
  const body = parse(text, options.file ?? '--json');
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new UsageError('The body must be a JSON object.');
  const result = body as Record<string, unknown>;
  const given = options.json === undefined ? {} : structuredClone(result);
  for (const assignment of options.set ?? []) {
    assign(given, assignment, schema);
    assign(result, assignment, schema);
  }
  const exposed = secretMembers(schema).find((path) => isGiven(given, path));
  if (exposed !== undefined)
    throw new UsageError(
      `${exposed} is a secret, which the shell's history and other users of this machine would see. ` +
        `${askedMembers(schema).includes(exposed) ? `Say --ask ${exposed} instead, or give` : 'Give'} it in a --file.`,
    );
  return result;
}

function isGiven(given: unknown, path: string): boolean {
  let value = given;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return false;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return true;
}

/** The secret members that a person can type: texts of the body itself. */
export function askedMembers(schema: JsonSchema | undefined): readonly string[] {
  return secretMembers(schema).filter((path) => !path.includes('.') && memberOf(schema, path)?.['type'] === 'string');
}

/** Members of a body, and of objects within, that are never shown again: their paths. */
export function secretMembers(schema: JsonSchema | undefined): readonly string[] {
  const names = Object.keys((schema?.['properties'] as object | undefined) ?? {});
  return names.flatMap((name) => {
    const member = memberOf(schema, name);
    return member?.['writeOnly'] === true ? [name] : secretMembers(member).map((path) => `${name}.${path}`);
  });
}

async function read(file: string): Promise<string> {
  if (file !== '-') {
    return readFile(file, 'utf8').catch(() => {
      throw new UsageError(`The file ${file} cannot be read.`);
    });
  }
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`${place} is not well-formed JSON.`);
  }
}

function assign(target: Record<string, unknown>, assignment: string, schema: JsonSchema): void {
  const at = assignment.indexOf('=');
  if (at <= 0) throw new UsageError(`--set takes member=value, not ${JSON.stringify(assignment)}.`);
  const path = assignment.slice(0, at).split('.');
  const last = path.pop() ?? '';
  let object = target;
  let known: JsonSchema | undefined = schema;
  for (const name of path) {
    known = memberOf(known, name);
    const inner = Object.hasOwn(object, name) ? object[name] : undefined;
    const next = typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {};
    object[name] = next;
    object = next;
  }
  object[last] = valueOf(assignment.slice(at + 1), memberOf(known, last), assignment);
}

function memberOf(schema: JsonSchema | undefined, name: string): JsonSchema | undefined {
  const properties = schema?.['properties'] as Readonly<Record<string, JsonSchema>> | undefined;
  const member = properties && Object.hasOwn(properties, name) ? properties[name] : undefined;
  // A patch takes the member or null.
  const alternatives = member?.['anyOf'] as readonly JsonSchema[] | undefined;
  return alternatives?.[0] ?? member;
}

/** Lists are written with commas or spaces between their items. What the schema does not know stays text. */
function valueOf(text: string, schema: JsonSchema | undefined, assignment: string): unknown {
  const type = schema?.['type'];
  if (text === 'null' && type !== 'string') return null;
  if (type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  if (type === 'integer' && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (type === 'number' && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
  if (type === 'object' || (type === 'array' && /^\s*\[/.test(text))) return parse(text, assignment);
  if (type === 'array') return text.split(/[\s,]+/).filter((item) => item !== '');
  return text;
}
