// How and when the user logged in, as the log-in scripts leave it for `onTokenGenerating`.
import type { UserSessionDetails } from 'sallyport';

export type Strength = 'password' | 'second-factor';

export function remember(session: UserSessionDetails, strength: Strength, at: string): void {
  session.setUserData('logIn', { strength, at });
}

/** Whether a second factor was given a short while ago. A session of before these scripts has no word of it, and is not. */
export function isStrong(session: UserSessionDetails, now: number): boolean {
  const logIn = session.getUserData('logIn');
  const minutes = Number(Environment.getEnv('STRONG_FOR_MINUTES'));
  const age = now - Date.parse(logIn?.at);
  // Anything that is no number makes the comparison false.
  return logIn?.strength === 'second-factor' && age >= 0 && age < minutes * 60_000;
}
