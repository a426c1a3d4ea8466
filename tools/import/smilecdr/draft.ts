/** A tenant folder while it is being made: the document, and the files it names. */
import type { TenantDocument } from '../../../engine/tenant/document.ts';
import type { Setting } from './modules.ts';
import type { Report } from './report.ts';
import { readSecret, readSentSecret } from './secret-text.ts';
import type { Found, Source, Sources } from './sources.ts';
import { substitute, type Variables } from './substitution.ts';

/** What every part of an import works with. */
export interface ImportContext {
  readonly report: Report;
  readonly sources: Sources;
  readonly variables: Variables;
}

export interface DraftFile {
  readonly content: string;
  /** Read by its owner only. */
  readonly isSecret: boolean;
}

/** Where something stands in the sources. */
export interface At {
  readonly source: Source;
  readonly place: string;
}

export interface Draft {
  readonly document: TenantDocument;
  readonly files: Map<string, DraftFile>;
  /** Environment variables that the document names. */
  readonly variables: Set<string>;
}

/** A name for a file or an id, made of any text. */
export function nameOf(text: string, fallback: string): string {
  const name = text
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|-+$/g, '')
    .slice(0, 60);
  return name === '' ? fallback : name;
}

/** The name itself, or one with a number behind it that nobody has. */
export function unusedName(name: string, isUsed: (name: string) => boolean): string {
  let unused = name;
  for (let number = 2; isUsed(unused); number += 1) unused = `${name}-${number}`;
  return unused;
}

/** Adds a file under a name nobody has. @returns the name. */
export function addFile(draft: Draft, folder: string, name: string, ending: string, file: DraftFile): string {
  const path = (stem: string) => `${folder === '' ? '' : `${folder}/`}${stem}${ending}`;
  const unused = unusedName(name, (stem) =>
    [...draft.files.keys()].some((known) => known.toLowerCase() === path(stem).toLowerCase()),
  );
  draft.files.set(path(unused), file);
  return path(unused);
}

/** A setting's value with its references replaced; undefined, and a fault, where one has no value here. */
export function resolveSetting({ report, variables }: ImportContext, setting: Setting): string | undefined {
  return resolveText({ report, variables }, setting.value, setting);
}

export function resolveText(
  { report, variables }: Pick<ImportContext, 'report' | 'variables'>,
  value: string,
  at: At,
): string | undefined {
  const { text, unset } = substitute(value, variables);
  for (const what of unset)
    report.fault(at.source.name, at.place, `It refers to ${what}, which has no value here: give it one.`);
  return unset.length > 0 ? undefined : text;
}

/** The file a setting names; a fault where there is none, for what it says would silently be lost. */
export async function findFile(context: ImportContext, setting: Setting): Promise<Source | undefined> {
  const reference = resolveSetting(context, setting)?.trim();
  if (reference === undefined || reference === '') return undefined;
  const found: Found = await context.sources.find(reference, setting.source);
  if (found.ok) return found.source;
  context.report.fault(setting.source.name, setting.place, `It names ${reference}: ${found.why}.`);
  return undefined;
}

type SecretValue = { readonly file: string } | { readonly env: string } | { readonly hash: string };

/**
 * A secret as the document may hold it: a file that only its owner reads, a variable, or a hash.
 * @param what begins the sentence of the report, e.g. "`clients[].secrets`".
 * @param isHashed whether the secret is only compared, so that a hash will do; the others are sent to somebody.
 */
export function takeSecret(
  context: ImportContext,
  draft: Draft,
  raw: string,
  at: At,
  secret: {
    readonly what: string;
    readonly name: string;
    readonly isHashed: boolean;
    readonly encoding?: string | undefined;
  },
): SecretValue | undefined {
  const { report } = context;
  const read = secret.isHashed
    ? readSecret(raw, secret.encoding, context.variables)
    : readSentSecret(raw, context.variables);
  const add = (outcome: 'carried' | 'differs' | 'missing', text: string) =>
    report.add(outcome, at.source.name, at.place, `${secret.what}${text}`);
  if (read.kind === 'plain') {
    const file = addFile(draft, 'secrets', secret.name, '', { content: `${read.text}\n`, isSecret: true });
    add('carried', `, in ${file}, which only its owner reads.`);
    return { file };
  }
  if (read.kind === 'variable') {
    draft.variables.add(read.name);
    report.step(`Set ${read.name} in the server's environment, as it was in Smile CDR's.`);
    add('carried', `, from the environment variable ${read.name}.`);
    return { env: read.name };
  }
  if (read.kind === 'hash') {
    if (read.doubt === undefined)
      add('carried', `, as its ${read.scheme} hash; its first use puts a hash of ours in its place.`);
    else add('differs', `, as its ${read.scheme} hash, read the way Spring Security writes it. ${read.doubt}`);
    return { hash: read.hash };
  }
  add('missing', ` has to be set anew: ${read.why}.`);
  return undefined;
}

/** An environment variable in the place of a secret that nobody knows; the server does not start before it is set. */
export function placeholder(
  { report }: ImportContext,
  draft: Draft,
  name: string,
  reason: string,
): { readonly env: string } {
  const variable = unusedName(
    name
      .toUpperCase()
      .replace(/[^A-Z0-9]+/g, '_')
      .replace(/^(?=[0-9])/, '_'),
    (taken) => draft.variables.has(taken),
  );
  draft.variables.add(variable);
  report.step(`Set ${variable} in the server's environment: ${reason}`);
  return { env: variable };
}
