/** The form by which people register themselves: what it asks, and what of the answers may become an account. */
import { createContext, runInContext } from 'node:vm';
import type { RegistrationField, SelfRegistration, Tenant, User } from '../tenant/tenant.ts';

/** Fields that are members of a user, or have words and rules of their own. */
export const builtInFields = ['givenName', 'familyName', 'phone', 'birthDate'] as const;
/** What the pages send beside the fields of the tenant, and what would mean something else in `userData`. */
export const formNames: readonly string[] = [
  'csrf',
  'do',
  'website',
  'username',
  'email',
  'password',
  'again',
  'terms',
];

/** Why an answer is not taken. Each is a message `register.fault-<code>`. */
export type AnswerFault = 'required' | 'too-long' | 'malformed' | 'day' | 'phone' | 'email' | 'username';

/** What somebody told of themselves. */
export type RegisteredPerson = Pick<User, 'username' | 'givenName' | 'familyName' | 'phone' | 'userData'> & {
  readonly email: string;
};

const longestEmail = 254;
// ASCII, as a name that only looks like another one would deceive; no comma or space, which a mail header could read as two.
const email =
  /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/i;
// No @, which would be somebody's mail address; no colon or #, as the names of people of providers and of CODAP have.
const username = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])$/i;
const phone = /^\+?[0-9][0-9 ()/.-]{3,38}$/;
/** Control characters, and those that turn the direction of what stands around them. */
const unseen = /[\p{Cc}\u202A-\u202E\u2066-\u2069]/u;

/** Whether people may make accounts of this tenant by themselves, and log in with them. */
export function offersRegistration({ selfRegistration, inbound, federation }: Tenant): boolean {
  return (
    selfRegistration.enabled &&
    federation.passwordForm &&
    inbound.some((module) => module.type === 'local' && module.selfRegistration)
  );
}

/** The kind of answer that a field takes. */
export function kindOf({ name, type }: RegistrationField): RegistrationField['type'] {
  return name === 'birthDate' ? 'date' : type;
}

/** A text as it is kept. */
function tidy(text: string): string {
  return text.normalize('NFC').trim().replace(/\s+/g, ' ');
}

/** Whether this may be the user name of somebody who chooses it. */
export function isUsername(text: string): boolean {
  return username.test(text);
}

export function isEmail(text: string): boolean {
  return text.length <= longestEmail && email.test(text) && text.indexOf('@') <= 64;
}

// A pattern of one tenant must not keep the others waiting, however long it would run.
const realm = createContext(Object.create(null) as object);
const longestMatch = 200;

function matches(pattern: string, text: string): boolean {
  const test = `new RegExp(${JSON.stringify(`^(?:${pattern})$`)}, 'v').test(${JSON.stringify(text)})`;
  // On a busy machine the time may pass without the test having run.
  for (const _attempt of [1, 2])
    try {
      return runInContext(test, realm, { timeout: longestMatch }) === true;
    } catch (error) {
      if ((error as { readonly code?: string }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') return false;
    }
  return false;
}

function faultOf(field: RegistrationField, answer: string, now: number): AnswerFault | undefined {
  if (answer === '') return field.required ? 'required' : undefined;
  if (unseen.test(answer)) return 'malformed';
  const kind = kindOf(field);
  if (kind === 'choice') return field.choices?.some(({ value }) => value === answer) ? undefined : 'malformed';
  if (kind === 'date') {
    const day = /^\d{4}-\d{2}-\d{2}$/.test(answer) ? new Date(`${answer}T00:00:00Z`) : undefined;
    if (day === undefined || Number.isNaN(day.getTime()) || !day.toISOString().startsWith(answer)) return 'day';
    const born = field.name === 'birthDate';
    return born && (day.getTime() > now || day.getUTCFullYear() < 1870) ? 'day' : undefined;
  }
  if ([...answer].length > field.maxLength) return 'too-long';
  if (field.name === 'phone' && !phone.test(answer)) return 'phone';
  return field.pattern !== undefined && !matches(field.pattern, answer) ? 'malformed' : undefined;
}

/**
 * Reads a form that was filled in. Nothing but the tenant's own fields is taken from it, so nobody registers with an
 * authority or a member that the tenant does not ask for.
 * @returns the person where every answer may be taken; the faults by field; and the answers, to be shown again.
 */
export function readAnswers(
  settings: SelfRegistration,
  form: ReadonlyMap<string, string>,
  now: number,
): {
  readonly person?: RegisteredPerson;
  readonly faults: Readonly<Record<string, AnswerFault>>;
  readonly answers: Readonly<Record<string, string>>;
} {
  // Without the names that every object has, as a tenant may ask for one of them.
  const answers = Object.create(null) as Record<string, string>;
  const faults = Object.create(null) as Record<string, AnswerFault>;
  const take = (name: string, fault: (answer: string) => AnswerFault | undefined): string => {
    const answer = tidy((form.get(name) ?? '').slice(0, 4000));
    const found = fault(answer);
    answers[name] = answer;
    if (found !== undefined) faults[name] = found;
    return answer;
  };
  const address = take('email', (answer) => (answer === '' ? 'required' : isEmail(answer) ? undefined : 'email'));
  const name =
    settings.username === 'email'
      ? address.toLowerCase()
      : take('username', (answer) => (answer === '' ? 'required' : isUsername(answer) ? undefined : 'username'));
  const members: Partial<Record<'givenName' | 'familyName' | 'phone', string>> = {};
  const userData: Record<string, string> = {};
  for (const field of settings.fields) {
    const answer = take(field.name, (text) => faultOf(field, text, now));
    if (answer === '') continue;
    if (field.name === 'givenName' || field.name === 'familyName' || field.name === 'phone')
      members[field.name] = answer;
    else userData[field.name] = answer;
  }
  if (Object.keys(faults).length > 0) return { faults, answers };
  return { person: { username: name, email: address, ...members, userData }, faults, answers };
}
