/** The query of a search: the tenant's conditions with their gaps filled, and what a person typed (FHIR R4, section 3.1.1). */
import type { ContextSearch } from '../tenant/tenant.ts';
import { datesOf } from './typed-date.ts';

export type Pair = readonly [name: string, value: string];

const longestText = 200;
const mostWords = 10;
const gap = /\{([^{}]*)\}/g;

/** These signs part values from each other; in a value they are written with a backslash (FHIR R4, section 3.1.1.4.0.1). */
export function escapeValue(text: string): string {
  return text.replace(/[\\$,|]/g, '\\$&');
}

/** The names of the gaps in a search's parameters. */
export function gapsOf({ parameters }: Pick<ContextSearch, 'parameters'>): ReadonlySet<string> {
  const texts = Object.values(parameters).flat();
  return new Set(texts.flatMap((text) => [...text.matchAll(gap)].map(([, name = '']) => name)));
}

/**
 * The tenant's conditions. What fills a gap is a value and nothing else, whatever signs it holds.
 * @returns undefined where a gap cannot be filled: a condition left out would widen the search.
 */
export function conditionsOf(
  search: Pick<ContextSearch, 'parameters'>,
  gaps: Readonly<Record<string, string>>,
): readonly Pair[] | undefined {
  if ([...gapsOf(search)].some((name) => !Object.hasOwn(gaps, name) || gaps[name] === '')) return undefined;
  return Object.entries(search.parameters).flatMap(([name, values]) =>
    [values]
      .flat()
      .map((value): Pair => [name, value.replace(gap, (_gap, key: string) => escapeValue(gaps[key] ?? ''))]),
  );
}

/**
 * What a person typed: each word is a condition of its own, so that all must hold.
 * @returns undefined where no parameter takes a word, so that nothing can match.
 */
export function conditionsOfText(
  { find, identifierSystem }: Pick<ContextSearch, 'find' | 'identifierSystem'>,
  text: string,
): readonly Pair[] | undefined {
  const words = text
    .slice(0, longestText)
    .split(/[\s\p{Cc}]+/u)
    .filter((word) => word !== '')
    .slice(0, mostWords);
  const pairs = words.map((word): Pair | undefined => {
    const dates = datesOf(word);
    if (find.dates !== undefined && dates.length > 0) return [find.dates, dates.join(',')];
    if (find.numbers !== undefined && /\d/.test(word)) {
      const system = identifierSystem === undefined ? '' : `${escapeValue(identifierSystem)}|`;
      return [find.numbers, `${system}${escapeValue(word)}`];
    }
    return find.words === undefined ? undefined : [find.words, escapeValue(word)];
  });
  return pairs.every((pair) => pair !== undefined) ? pairs : undefined;
}

/** Whether there is a field to type in. */
export function isSearchable({ find }: Pick<ContextSearch, 'find'>): boolean {
  return find.words !== undefined || find.dates !== undefined || find.numbers !== undefined;
}
