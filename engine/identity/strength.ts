/**
 * Whether what a person proved is enough: the one place that decides it, for log-ins and sessions and for the pages on
 * which people change their account.
 */
import type { Proof } from '../store/store.ts';
import type { Authority, SecondFactorRules } from '../tenant/tenant.ts';

/** Nothing is known of sessions from before the server kept what was proved. */
export const nothingProved: Proof = { amr: [] };

/** The method references (RFC 8176) of a provider's ID token, as far as they are some. */
export function amrOf(claim: unknown): readonly string[] {
  const texts = Array.isArray(claim) ? (claim as readonly unknown[]) : [];
  return texts
    .filter((text): text is string => typeof text === 'string' && /^[A-Za-z0-9_.:-]{1,32}$/.test(text))
    .slice(0, 10);
}

export function hasTwoFactors({ amr }: Proof): boolean {
  return amr.includes('mfa');
}

/** The proof with one more factor. */
export function withFactor({ device: _device, ...proof }: Proof, method: string): Proof {
  return { ...proof, amr: [...new Set([...proof.amr, method, 'mfa'])] };
}

/** Whether the tenant has everybody with one of these authorities prove a second factor. */
export function isRequiredFor(rules: SecondFactorRules, authorities: readonly Authority[]): boolean {
  return (
    rules.level === 'required' ||
    (rules.level === 'optional' && authorities.some(({ permission }) => rules.requiredFor.includes(permission)))
  );
}

export interface Known {
  readonly proof: Proof;
  readonly authorities: readonly Authority[];
  /** Whether they have a second factor here. */
  readonly enrolled: boolean;
}

/**
 * What is missing, if anything: a `code` of the second factor the person has, or the `enrolment` of one.
 * @param purpose `log-in`: at an app, where a provider's word and a remembered device count. `account`: to change what the
 *   account is protected by, where of somebody who has a second factor nothing counts but itself.
 */
export function missingFactor(
  { proof, authorities, enrolled }: Known,
  rules: SecondFactorRules,
  purpose: 'log-in' | 'account',
): 'code' | 'enrolment' | undefined {
  if (rules.level === 'off' || hasTwoFactors(proof)) return undefined;
  if (enrolled && purpose === 'account') return 'code';
  if (proof.provider !== undefined && !rules.askAfterProvider) return undefined;
  if (enrolled) return proof.device === true ? undefined : 'code';
  return isRequiredFor(rules, authorities) ? 'enrolment' : undefined;
}
