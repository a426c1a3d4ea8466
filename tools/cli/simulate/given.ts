/** The plan of a simulation, put together from a file, flags and what is asked at a terminal. */
import { readFile } from 'node:fs/promises';

/** Flags may be given more than once where they are lists. */
export interface GivenOptions {
  readonly given?: string;
  readonly flow?: string;
  readonly client?: string;
  readonly user?: string;
  readonly provider?: string;
  readonly subject?: string;
  readonly claims?: string;
  readonly scope?: string;
  readonly launch?: readonly string[];
  readonly request?: readonly string[];
  readonly decide?: readonly string[];
  readonly now?: string;
  readonly wrongCredentials?: boolean;
}

type Tree = Record<string, unknown>;
export type Given = { readonly ok: true; readonly given: Tree } | { readonly ok: false; readonly why: string };

const refuse = (why: string): Given => ({ ok: false, why });

/** `name=value` as a pair; undefined where there is no `=`. */
function pair(text: string): readonly [string, string] | undefined {
  const at = text.indexOf('=');
  return at < 1 ? undefined : [text.slice(0, at), text.slice(at + 1)];
}

/** @returns the plan as a case's `given` says it, not yet checked. */
export async function givenBy(options: GivenOptions): Promise<Given> {
  const given: Tree = {};
  if (options.given !== undefined) {
    const read = await readGiven(options.given);
    if (!read.ok) return read;
    Object.assign(given, read.given);
  }
  const { flow, client, user, scope, now } = options;
  for (const [name, value] of Object.entries({ flow, client, user, now })) if (value !== undefined) given[name] = value;
  if (scope !== undefined) given['scopes'] = scope.split(/[\s,]+/).filter((each) => each !== '');
  if (options.wrongCredentials) given['credentials'] = 'wrong';
  if (options.provider !== undefined || options.subject !== undefined)
    given['provider'] = {
      ...(given['provider'] as object | undefined),
      ...(options.provider === undefined ? {} : { id: options.provider }),
      ...(options.subject === undefined ? {} : { subject: options.subject }),
    };
  if ((options.provider !== undefined || options.subject !== undefined) && flow === undefined)
    given['flow'] ??= 'federated';
  if (options.claims !== undefined) {
    const claims = parsed(options.claims);
    if (typeof claims !== 'object' || claims === null)
      return refuse('--claims takes a JSON object, such as {"groups": ["physicians"]}.');
    if (given['flow'] === 'codap') given['authorization'] = claims;
    else given['provider'] = { ...(given['provider'] as object | undefined), claims };
  }
  return withLists(given, options);
}

function withLists(given: Tree, { launch = [], request = [], decide = [] }: GivenOptions): Given {
  const context = launch.map(pair);
  if (launch.length === 1 && context[0] === undefined) given['launch'] = launch[0];
  else if (launch.length > 0) {
    if (context.includes(undefined))
      return refuse('--launch takes a handle of the EHR, or context such as patient=jane.');
    given['launch'] = Object.fromEntries(context as [string, string][]);
  }
  const parameters: Tree = { ...(given['request'] as Tree | undefined) };
  for (const each of request) {
    const [name, value] = pair(each) ?? [];
    if (name === undefined) return refuse('--request takes a parameter such as prompt=none; prompt= leaves it out.');
    parameters[name] = value === '' ? null : value;
  }
  if (request.length > 0) given['request'] = parameters;
  const decisions: Tree = { ...(given['decisions'] as Tree | undefined) };
  const decided = new Set<string>();
  for (const each of decide) {
    const [state, text] = pair(each) ?? [];
    if (state === undefined || text === undefined || text === '')
      return refuse('--decide takes a state and a word, such as consent=decline.');
    const fields = text.startsWith('{') ? parsed(text) : text;
    if (fields === undefined) return refuse(`--decide ${state}= has malformed JSON.`);
    decisions[state] = decided.has(state) ? [decisions[state], fields].flat() : fields;
    decided.add(state);
  }
  if (decide.length > 0) given['decisions'] = decisions;
  return { ok: true, given };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** A file with a plan, or with a whole case. */
async function readGiven(file: string): Promise<Given> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return refuse(`The file ${file} cannot be read.`);
  const value = parsed(text) as Tree | undefined;
  if (typeof value !== 'object' || value === null) return refuse(`The file ${file} is no JSON object.`);
  return { ok: true, given: { ...((value['given'] as Tree | undefined) ?? value) } };
}
