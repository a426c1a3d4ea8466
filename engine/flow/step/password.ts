/** A person who must choose another password does so between the proof of who they are and the session. */
import { checkPassword, hashPassword, whyChange, withPassword } from '../../identity/password.ts';
import type { User } from '../../tenant/tenant.ts';
import type { PersonKnown } from '../facts.ts';
import type { Ports } from '../ports.ts';
import { type Again, move, reject, type StepResult } from '../table.ts';

export interface PasswordDue {
  readonly passwordDue: 'asked' | 'expired';
}

/** Whether the person goes on, or must choose another password first. */
export async function findPasswordDue(
  facts: PersonKnown,
  ports: Ports,
): Promise<StepResult<{ current: unknown; due: PasswordDue }>> {
  // Nobody chooses another password without having just proved the one there is, or more.
  const user = facts.passwordProof === undefined ? undefined : await ports.user(facts.userId);
  const due = user && whyChange(user, ports.tenant.passwords, ports.now());
  // Who is to choose another one chooses it however they logged in; its age is of the log-in that uses it.
  const why = due === 'expired' && !facts.proof.amr.includes('pwd') ? undefined : due;
  return why === undefined ? move('current', {}) : move('due', { passwordDue: why });
}

/** The form with the new password, twice. Nothing is kept of one that may not be set. */
export async function acceptNewPassword(
  facts: PersonKnown & PasswordDue,
  input: Readonly<Record<string, unknown>>,
  ports: Ports,
): Promise<StepResult<{ changed: unknown }> | Again> {
  if (input['do'] === 'cancel') return reject('access_denied', 'The person did not log in', 'login-cancelled');
  const { password, again } = input;
  if (typeof password !== 'string' || password === '') return { kind: 'again' };
  const user = await ports.user(facts.userId);
  if (!user?.enabled) return reject('access_denied', 'The request was denied', 'user-missing');
  // They proved a password that is no longer theirs: an administrator, or a link by mail, may have shut them out.
  if (user.passwordHash === undefined || ports.hash(user.passwordHash) !== facts.passwordProof)
    return reject('access_denied', 'The request was denied', 'password-replaced');
  const faults = await changePassword(user, password, again, ports);
  return faults.length === 0 ? move('changed', {}) : { kind: 'again', error: faults.join(' ') };
}

/**
 * Sets a person's own new password and ends their sessions, which somebody else may have begun.
 * @param user as they were when they gave proof: where their password is another one since, nothing is set.
 * @param again the same once more, as the person typed it.
 * @param take takes what gives the right to it; where that is gone meanwhile nothing is set, which `link-gone` says.
 * @returns why it was not set: codes of `newPassword.fault-…`; empty where it was.
 */
export async function changePassword(
  user: User,
  password: string,
  again: unknown,
  ports: Ports,
  take: () => Promise<unknown> = async () => true,
): Promise<readonly string[]> {
  const { tenant, store } = ports;
  if (password !== again) return ['different'];
  // To choose the same one again is no change.
  const rules = { ...tenant.passwords, history: Math.max(1, tenant.passwords.history) };
  const faults = await checkPassword(rules, user, password);
  if (faults.length > 0) return faults;
  const passwordHash = await hashPassword(password, tenant.passwords);
  if ((await take()) === undefined) return ['link-gone'];
  let done = false;
  await store.users.change(tenant.id, user.id, (current) => {
    // Somebody else set one while this was checked against the one before.
    done = current.passwordHash === user.passwordHash;
    return done ? withPassword(current, passwordHash, tenant.passwords, ports.now()) : current;
  });
  if (!done) return ['changed-meanwhile'];
  await store.sessions.endForUser(tenant.id, user.id, ports.now());
  // Who knew the old password may have had a device remembered.
  await store.secondFactors.forgetDevices(tenant.id, user.id);
  ports.notifyApps();
  ports.audit({ tenantId: tenant.id, at: ports.now(), type: 'password.changed', outcome: 'success', userId: user.id });
  return [];
}
