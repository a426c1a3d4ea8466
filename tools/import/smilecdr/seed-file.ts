/** The JSON files of seeds: which kind one is, and the fields of its items read one by one. */
import { didYouMean, escapePointer } from '../../../engine/tenant/problem.ts';
import { type At, type ImportContext, resolveText } from './draft.ts';
import type { FieldRule } from './rules/rule.ts';
import type { Source } from './sources.ts';

export type SeedKind = 'clients' | 'servers' | 'users' | 'keystores';
export type Item = Readonly<Record<string, unknown>>;

const kinds: readonly SeedKind[] = ['clients', 'servers', 'users', 'keystores'];

/** The document of a JSON file. A fault without a word of its content where it is malformed. */
export function parseJson({ report }: ImportContext, source: Source): unknown {
  try {
    return JSON.parse(source.bytes.toString('utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    const place = /line \d+ column \d+|position \d+/.exec(String(error))?.[0] ?? 'the file';
    report.fault(source.name, place, 'It is malformed JSON.');
    return undefined;
  }
}

/** The kinds of seeds a document holds. */
export function kindsOf(document: unknown): readonly SeedKind[] {
  if (typeof document !== 'object' || document === null) return [];
  return kinds.filter((kind) => Array.isArray((document as Item)[kind]));
}

/** One item of a seed file. Every value is read through it, so that references are replaced and wrong types are told. */
export class SeedItem implements At {
  readonly source: Source;
  readonly place: string;
  readonly item: Item;
  readonly #context: ImportContext;

  constructor(context: ImportContext, source: Source, place: string, item: Item) {
    this.#context = context;
    this.source = source;
    this.place = place;
    this.item = item;
  }

  at(field: string): At {
    return { source: this.source, place: `${this.place}/${field}` };
  }

  add(outcome: 'carried' | 'differs' | 'missing', field: string, text: string): void {
    this.#context.report.add(outcome, this.source.name, field === '' ? this.place : `${this.place}/${field}`, text);
  }

  fault(field: string, text: string): void {
    this.#context.report.fault(this.source.name, field === '' ? this.place : `${this.place}/${field}`, text);
  }

  #typed<Type>(field: string, is: (value: unknown) => value is Type, kind: string): Type | undefined {
    const value = this.item[field];
    if (value === undefined || value === null || value === '') return undefined;
    if (is(value)) return value;
    this.fault(field, `It is not ${kind}.`);
    return undefined;
  }

  /** Without references replaced: for secrets. */
  raw(field: string): string | undefined {
    return this.#typed(field, (value) => typeof value === 'string', 'a text');
  }

  text(field: string): string | undefined {
    const raw = this.raw(field);
    const text = raw === undefined ? undefined : resolveText(this.#context, raw, this.at(field))?.trim();
    return text === '' ? undefined : text;
  }

  flag(field: string): boolean | undefined {
    const value = this.item[field];
    if (typeof value === 'string' && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
    return this.#typed(field, (found) => typeof found === 'boolean', 'true or false');
  }

  number(field: string): number | undefined {
    const value = this.item[field];
    if (typeof value === 'string' && /^\d+$/.test(value)) return Number(value);
    return this.#typed(field, (found): found is number => Number.isInteger(found), 'a whole number');
  }

  /** A list of texts; a single text is taken for a list of words, as in an OAuth scope. */
  texts(field: string): readonly string[] {
    const value = this.item[field];
    const list = typeof value === 'string' ? value.split(/[\s,]+/) : value;
    if (list === undefined || list === null) return [];
    if (!Array.isArray(list) || !list.every((entry) => typeof entry === 'string')) {
      this.fault(field, 'It is not a list of texts.');
      return [];
    }
    const resolved = list.map((entry, index) =>
      resolveText(this.#context, entry, this.at(`${field}/${index}`))?.trim(),
    );
    return [...new Set(resolved.filter((entry) => entry !== undefined && entry !== ''))] as string[];
  }

  /** The items of a list of objects. */
  items(field: string): readonly SeedItem[] {
    const value = this.item[field];
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'object' && entry !== null)) {
      this.fault(field, 'It is not a list of objects.');
      return [];
    }
    return (value as Item[]).map(
      (entry, index) => new SeedItem(this.#context, this.source, `${this.place}/${field}/${index}`, entry),
    );
  }

  /** Tells of fields that nobody knows. */
  checkFields(rules: readonly FieldRule[]): void {
    const known = rules.map(({ field }) => field);
    for (const field of Object.keys(this.item))
      if (!known.includes(field))
        this.add(
          'missing',
          escapePointer(field),
          `The field is not known${hintOf(field, known)} Nothing was made of it.`,
        );
  }
}

/** Ends a sentence about an unknown name. */
export function hintOf(name: string, known: readonly string[]): string {
  const hint = didYouMean(name, known);
  return hint === '' ? '.' : `, ${hint}`;
}

/** The items of one kind in a document; those of `moduleId` that belong elsewhere are left to whoever asks for them. */
export function itemsOf(
  context: ImportContext,
  source: Source,
  document: unknown,
  kind: SeedKind,
): readonly SeedItem[] {
  if (!kindsOf(document).includes(kind)) return [];
  return new SeedItem(context, source, '', document as Item).items(kind);
}
