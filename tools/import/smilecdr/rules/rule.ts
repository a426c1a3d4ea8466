/** What becomes of one property or JSON field: the report and the table of docs/moving-from-smile-cdr.md are made of these. */
import type { TenantDocument } from '../../../../engine/tenant/document.ts';
import type { Outcome } from '../report.ts';

/** Where the value decides: what is said instead of the rule's own words. */
export type Judgement = { readonly outcome?: Outcome; readonly text?: string } | undefined;

export interface PropertyRule {
  readonly key: string;
  /** What holds as a rule; a value may decide otherwise. */
  readonly outcome: Outcome;
  /** What stands in its place here, or what to do instead. */
  readonly text: string;
  /**
   * Writes the value into the document and judges it. Rules without it say the same of any value. `taken` ones are read and
   * reported by a part of the import of their own: scripts, seed files, keys.
   */
  readonly apply?: ((value: string, document: TenantDocument) => Judgement) | 'taken';
}

export interface FieldRule {
  readonly field: string;
  readonly outcome: Outcome;
  readonly text: string;
}

export function isTrue(value: string): boolean {
  return /^true$/i.test(value.trim());
}

/** A rule for a switch: one of its positions is how it always is here. */
export function alwaysOn(key: string, on: string, off: string): PropertyRule {
  return {
    key,
    outcome: 'carried',
    text: on,
    apply: (value) => (isTrue(value) ? undefined : { outcome: 'differs', text: off }),
  };
}

/** A rule for a switch of something that is not offered here. */
export function neverOn(key: string, off: string, on: string): PropertyRule {
  return {
    key,
    outcome: 'missing',
    text: on,
    apply: (value) => (isTrue(value) ? undefined : { outcome: 'carried', text: off }),
  };
}

/** Rules of several keys that say the same. */
export function alike(keys: readonly string[], outcome: Outcome, text: string): readonly PropertyRule[] {
  return keys.map((key) => ({ key, outcome, text }));
}
