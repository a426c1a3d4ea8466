/** Sentences for people, made of a skin's messages: what a scope allows, dates, and why something did not work. */
import { parseScope, type PermissionLetter, type ResourceScope } from '../smart/scope.ts';
import type { ErrorCode } from './view.ts';

/** The messages of one language. Keys are `page.name`; `{name}` in a text is a gap to fill. */
export interface Words {
  readonly language: string;
  readonly messages: Readonly<Record<string, string>>;
}

export interface ScopeWords {
  readonly title: string;
  readonly detail: string;
  /** Something the person should think about before agreeing. */
  readonly warning?: string;
}

/** The message of this key with its gaps filled; empty where no skin has it. */
export function say({ messages }: Words, key: string, gaps: Readonly<Record<string, string>> = {}): string {
  return (messages[key] ?? '').replace(/\{([a-z]+)\}/g, (gap, name: string) => gaps[name] ?? gap);
}

/** A day as people write it; what is not a whole ISO date stays as it is. */
export function sayDay({ language }: Words, date: string): string {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(date) ? new Date(`${date}T00:00:00Z`) : undefined;
  return day === undefined || Number.isNaN(day.getTime())
    ? date
    : new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'UTC' }).format(day);
}

/** An instant to the minute. In UTC, and saying so: where its reader is nobody knows. */
export function sayInstant({ language }: Words, instant: number): string {
  const { format } = new Intl.DateTimeFormat(language, {
    dateStyle: 'long',
    timeStyle: 'short',
    timeZone: 'UTC',
  });
  return `${format(instant)} UTC`;
}

/** A time span in hours and minutes, as people say it. */
export function sayDuration({ language }: Words, seconds: number): string {
  const unit = (value: number, name: 'day' | 'hour' | 'minute') =>
    new Intl.NumberFormat(language, { style: 'unit', unit: name, unitDisplay: 'long' }).format(value);
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes % 1440 === 0) return unit(minutes / 1440, 'day');
  return minutes % 60 === 0 ? unit(minutes / 60, 'hour') : unit(minutes, 'minute');
}

/** What an error page says; an error without words of its own is a general one. */
export function sayError(words: Words, code: ErrorCode): { title: string; message: string; hint: string } {
  const known = `error.${code}` in words.messages ? code : 'other';
  return {
    title: say(words, `error.${known}-title`) || say(words, 'error.title'),
    message: say(words, `error.${known}`),
    hint: say(words, `error.${known}-hint`),
  };
}

/**
 * Describes one scope in plain language. A scope that nobody described is shown as it is, with a warning: a person
 * should not approve what cannot be explained without noticing. A skin describes its own as `scope.<the scope>`, and
 * says more in `scope-detail.<the scope>` and `scope-warning.<the scope>`.
 */
export function describeScope(words: Words, text: string): ScopeWords {
  const scope = parseScope(text);
  const known = `scope.${text}` in words.messages ? text : scope.kind === 'launch' ? 'launch' : undefined;
  if (scope.kind === 'launch' && scope.resourceType !== undefined && known !== text) {
    const gaps = { type: say(words, `kind.${scope.resourceType.toLowerCase()}`) || spaced(scope.resourceType) };
    return { title: say(words, 'words.launch', gaps), detail: say(words, 'words.launch-detail', gaps) };
  }
  if (known !== undefined) {
    const warning = say(words, `scope-warning.${known}`);
    const detail = say(words, `scope-detail.${known}`);
    return { title: say(words, `scope.${known}`), detail, ...(warning === '' ? {} : { warning }) };
  }
  if (scope.kind === 'resource') return describeResource(words, scope);
  return { title: text, detail: say(words, 'words.unknown-detail'), warning: say(words, 'words.unknown-warning') };
}

/** Groups of scopes, in the order a person is asked in. */
export const scopeGroups = ['identity', 'context', 'patient', 'user', 'system', 'time', 'other'] as const;

export type ScopeGroup = (typeof scopeGroups)[number];

const identityScopes = ['openid', 'fhirUser', 'profile', 'email', 'phone'];
const timeScopes = ['online_access', 'offline_access'];

/** The group that a scope is shown in: whom it names, what was selected, whose records, and for how long. */
export function groupOf(text: string): ScopeGroup {
  if (identityScopes.includes(text)) return 'identity';
  if (timeScopes.includes(text)) return 'time';
  const scope = parseScope(text);
  if (scope.kind === 'launch') return 'context';
  return scope.kind === 'resource' ? scope.context : 'other';
}

function describeResource(words: Words, scope: ResourceScope): ScopeWords {
  const has = (letter: PermissionLetter) => scope.permissions.includes(letter);
  const reads = has('r') || has('s');
  const writes = has('c') || has('u') || has('d');
  const what = resourcesOf(words, scope.resourceType);
  const verbs = sayList(
    words,
    scope.permissions.map((letter) => say(words, `words.may-${letter}`)),
  );
  const limits = scope.query.map(([name, value]) => say(words, 'words.limit', { name, value: codeOf(value) }));
  const details = [
    say(words, `words.of-${scope.context}`, { verbs, what }),
    limits.length === 0 ? '' : say(words, 'words.only', { limits: sayList(words, limits) }),
  ];
  const warnings = [
    scope.resourceType === '*' ? say(words, 'words.everything') : '',
    has('d') ? say(words, 'words.deletes') : '',
  ];
  const title = say(words, reads && writes ? 'words.see-and-change' : writes ? 'words.change' : 'words.see', { what });
  const warning = joined(warnings);
  return {
    title: `${title.charAt(0).toLocaleUpperCase(words.language)}${title.slice(1)}`,
    detail: joined(details),
    ...(warning === '' ? {} : { warning }),
  };
}

/** Resources of one type, in the plural; a type without a name of its own is called by its technical one. */
function resourcesOf(words: Words, type: string): string {
  return say(words, `type.${type === '*' ? 'all' : type}`) || say(words, 'type.other', { type: spaced(type) });
}

function spaced(type: string): string {
  return type.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}

/** `system|code` says to a person no more than the code does. */
function codeOf(value: string): string {
  try {
    return decodeURIComponent(value).replace(/^[^|]*\|(?=.)/, '');
  } catch {
    return value;
  }
}

/** A, b and c. */
export function sayList({ language }: Words, items: readonly string[]): string {
  return new Intl.ListFormat(language, { type: 'conjunction' }).format(items);
}

function joined(sentences: readonly string[]): string {
  return sentences.filter((sentence) => sentence !== '').join(' ');
}
