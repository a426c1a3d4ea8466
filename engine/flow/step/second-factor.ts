/** The second factor at log-in: whether it is asked for, its code, and setting one up where the person must have one. */
import { missingFactor, hasTwoFactors, withFactor } from '../../identity/strength.ts';
import type { UserSessionModel } from '../../script/model.ts';
import type { Proof } from '../../store/store.ts';
import type { Tenant } from '../../tenant/tenant.ts';
import type { PersonKnown, Validated } from '../facts.ts';
import type { Ports } from '../ports.ts';
import { type Again, move, reject, type Rejection, type StepResult } from '../table.ts';

export interface SetupBegun {
  /** The new secret, encrypted. */
  readonly setup: string;
}

export interface SetupConfirmed extends SetupBegun {
  /** The time step whose code was right. */
  readonly setupStep: number;
}

export interface CodesToShow {
  /** The recovery codes, encrypted until they were seen. */
  readonly newCodes: string;
}

interface Who {
  readonly userId: string;
  readonly session: Pick<UserSessionModel, 'authorities'>;
  readonly proof: Proof;
}

/** Whether the app asks for a second factor by `acr_values` (OpenID Connect Core section 3.1.2.1). */
export function asksForFactor({ request }: Pick<Validated, 'request'>, { secondFactor }: Tenant): boolean {
  const asked = (request.parameters['acr_values'] ?? '').split(' ');
  return secondFactor.level !== 'off' && secondFactor.acrValues.some((value) => asked.includes(value));
}

/** The `acr` that an ID token says: the value the app asked by, if any, where two factors were proved. */
export function acrOf({ request }: Pick<Validated, 'request'>, proof: Proof, { secondFactor }: Tenant) {
  if (secondFactor.level === 'off' || !hasTwoFactors(proof)) return undefined;
  const asked = (request.parameters['acr_values'] ?? '').split(' ');
  return asked.find((value) => secondFactor.acrValues.includes(value)) ?? secondFactor.acrValues[0];
}

/** What is missing of a person's proof, see `missingFactor`; for an app that asks for two factors, nothing less will do. */
export async function whatIsMissing(
  { userId, session, proof }: Who,
  ports: Ports,
  { purpose, asked = false }: { readonly purpose: 'log-in' | 'account'; readonly asked?: boolean },
): Promise<'code' | 'enrolment' | undefined> {
  const { tenant } = ports;
  if (tenant.secondFactor.level === 'off' || hasTwoFactors(proof)) return undefined;
  const enrolled = await ports.secondFactor.isEnrolled(tenant, userId, ports.now());
  if (asked) return enrolled ? 'code' : 'enrolment';
  return missingFactor({ proof, authorities: session.authorities, enrolled }, tenant.secondFactor, purpose);
}

/** Whether the person goes on, is asked for a code, or must set a second factor up first. */
export async function findFactorDue(
  facts: PersonKnown,
  ports: Ports,
): Promise<StepResult<{ enough: Pick<PersonKnown, 'proof'>; ask: unknown; enrol: SetupBegun }>> {
  const { proof } = facts;
  const asked = asksForFactor(facts, ports.tenant);
  const missing = await whatIsMissing(facts, ports, { purpose: 'log-in', asked });
  if (missing === undefined) return move('enough', { proof });
  if (missing === 'code')
    return !asked && (await isRemembered(facts, ports))
      ? move('enough', { proof: { ...proof, device: true } })
      : move('ask', {});
  return move('enrol', { setup: await ports.secondFactor.beginSetup(ports.tenant, facts.userId, ports.now()) });
}

/** What a passkey signs in this state of this flow: a value that no other state and no other flow has. */
export function challengeOf({ request }: Pick<Validated, 'request'>, state: string, ports: Ports): string | undefined {
  return request.challenge === undefined ? undefined : ports.hash(`${request.challenge} ${state}`);
}

/** The state whose challenge a passkey answers. */
export const factorState = 'second factor';

/** The form with a code of the app, a recovery code, or the answer of a passkey. */
export async function acceptFactor(
  facts: PersonKnown,
  input: Readonly<Record<string, unknown>>,
  ports: Ports,
): Promise<StepResult<{ proven: Pick<PersonKnown, 'proof' | 'rememberDevice'> }> | Again> {
  if (input['do'] === 'cancel') return reject('access_denied', 'The person did not log in', 'login-cancelled');
  const typed = typedCode(input);
  const answer = passkeyAnswer(input);
  if (typed === '' && answer === undefined) return { kind: 'again' };
  const { tenant } = ports;
  const user = await ports.user(facts.userId);
  if (!user?.enabled) return reject('access_denied', 'The request was denied', 'user-missing');
  const { remoteAddress } = facts.request;
  const challenge = challengeOf(facts, factorState, ports);
  const result = await proveFactor({ userId: user.id, typed, answer, challenge, remoteAddress }, ports);
  if (result.ok)
    return move('proven', {
      proof: withFactor(facts.proof, result.method),
      rememberDevice: input['remember'] === 'yes',
    });
  ports.audit({
    tenantId: tenant.id,
    at: ports.now(),
    type: 'login',
    outcome: 'failure',
    clientId: facts.clientId,
    userId: user.id,
    reason: result.reason,
  });
  return { kind: 'again', error: result.reason };
}

/** A passkey where there is an answer of one, else a code: what proves the second factor here and on the person's own pages. */
export async function proveFactor(
  {
    answer,
    challenge,
    typed,
    ...who
  }: {
    readonly userId: string;
    readonly typed: string;
    readonly answer: string | undefined;
    readonly challenge: string | undefined;
    readonly remoteAddress: string;
  },
  ports: Ports,
): Promise<
  | { readonly ok: true; readonly method: string }
  | { readonly ok: false; readonly reason: 'wrong-code' | 'wrong-passkey' | 'try-later' }
> {
  const shared = { ...who, tenant: ports.tenant, now: ports.now() };
  if (answer === undefined) {
    // Nothing was tried, so nothing counts as a failure.
    if (typed === '') return { ok: false, reason: 'wrong-code' };
    const result = await ports.secondFactor.verify({ ...shared, typed });
    if (!result.ok) return result;
    if (result.recovery)
      ports.audit({
        tenantId: ports.tenant.id,
        at: ports.now(),
        type: 'second-factor.recovery-code-used',
        outcome: 'success',
        userId: who.userId,
      });
    return { ok: true, method: 'otp' };
  }
  return challenge === undefined
    ? { ok: false, reason: 'wrong-passkey' }
    : ports.secondFactor.verifyPasskey({ ...shared, answer, challenge });
}

/** What a page's script wrote of a passkey. */
export function passkeyAnswer(input: Readonly<Record<string, unknown>>): string | undefined {
  const answer = input['passkey'];
  return typeof answer === 'string' && answer !== '' ? answer : undefined;
}

/** Whether a passkey may be the whole log-in: of people whose account is here, where they log in here. */
export function offersPasskeyLogIn({ secondFactor, federation, inbound }: Tenant): boolean {
  return (
    secondFactor.level !== 'off' &&
    secondFactor.passkeyLogIn &&
    federation.passwordForm &&
    inbound.some(({ type }) => type === 'local')
  );
}

/** The state whose challenge a new passkey answers. */
export const setupState = 'second factor setup';

/** What holds once a second factor was set up: what was stepped up has just ended with all other sessions. */
export interface FactorKept extends CodesToShow {
  readonly proof: Proof;
  readonly steppingUp: undefined;
  readonly setup: undefined;
}

/** The form with the first code of an app that the person has just set up, or with a new passkey, which is kept at once. */
export async function acceptSetup(
  facts: PersonKnown & SetupBegun,
  input: Readonly<Record<string, unknown>>,
  ports: Ports,
): Promise<StepResult<{ confirmed: Pick<SetupConfirmed, 'setupStep'>; added: FactorKept }> | Again> {
  if (input['do'] === 'cancel') return reject('access_denied', 'The person did not log in', 'login-cancelled');
  const { tenant } = ports;
  const { newPasskey } = input;
  if (input['do'] === 'passkey' && typeof newPasskey === 'string' && newPasskey !== '')
    return addPasskey(facts, newPasskey, ports);
  const typed = typedCode(input);
  if (typed === '') return { kind: 'again' };
  const setupStep = await ports.secondFactor.checkSetup(tenant, facts.userId, facts.setup, typed, ports.now());
  return setupStep === undefined ? { kind: 'again', error: 'wrong-code' } : move('confirmed', { setupStep });
}

async function addPasskey(
  facts: PersonKnown & SetupBegun,
  answer: string,
  ports: Ports,
): Promise<StepResult<{ added: FactorKept }> | Again> {
  const { tenant, store } = ports;
  const refused = await whySetupEnds(facts, ports);
  if (refused) return refused;
  const { userId } = facts;
  const challenge = challengeOf(facts, setupState, ports);
  const device = facts.request.device ?? {};
  const now = ports.now();
  const added =
    challenge === undefined
      ? undefined
      : await ports.secondFactor.addPasskey({ tenant, userId, answer, challenge, device, now });
  if (!added) return { kind: 'again', error: 'wrong-passkey' };
  await store.sessions.endForUser(tenant.id, userId, now);
  ports.notifyApps();
  ports.audit({ tenantId: tenant.id, at: now, type: 'second-factor.passkey-added', outcome: 'success', userId });
  const codes = added.codes ?? (await ports.secondFactor.renewRecoveryCodes(tenant, userId));
  return move('added', {
    newCodes: await ports.secondFactor.sealCodes(tenant, userId, codes),
    proof: withFactor(facts.proof, added.method),
    steppingUp: undefined,
    setup: undefined,
  });
}

/**
 * Why nothing is set up any more. Who proved a password alone sets up the first second factor; where the person has one by
 * now, somebody else may be waiting at this page.
 */
async function whySetupEnds({ userId }: PersonKnown, ports: Ports): Promise<Rejection | undefined> {
  const user = await ports.user(userId);
  if (!user?.enabled) return reject('access_denied', 'The request was denied', 'user-missing');
  return (await ports.secondFactor.isEnrolled(ports.tenant, userId, ports.now()))
    ? reject('access_denied', 'The request was denied', 'second-factor-set-up-meanwhile')
    : undefined;
}

/** Keeps the new second factor. Sessions that began without it end: somebody else may have begun them. */
export async function keepFactor(
  facts: PersonKnown & SetupConfirmed,
  ports: Ports,
): Promise<StepResult<{ kept: FactorKept }>> {
  const { tenant } = ports;
  const { userId } = facts;
  const refused = await whySetupEnds(facts, ports);
  if (refused) return refused;
  const codes = await enrol(userId, facts.setup, facts.setupStep, ports);
  if (codes === undefined) return reject('access_denied', 'The request was denied', 'second-factor-set-up-meanwhile');
  return move('kept', {
    newCodes: await ports.secondFactor.sealCodes(tenant, userId, codes),
    proof: withFactor(facts.proof, 'otp'),
    steppingUp: undefined,
    setup: undefined,
  });
}

/** The person has seen the recovery codes; nothing keeps them any more. */
export function acceptCodesSeen(
  _facts: PersonKnown & CodesToShow,
  input: Readonly<Record<string, unknown>>,
): StepResult<{ seen: { readonly newCodes: undefined } }> | Again {
  return input['do'] === 'saved' ? move('seen', { newCodes: undefined }) : { kind: 'again' };
}

/**
 * Enrols a person, ends all their sessions and says so in the audit trail.
 * @returns the recovery codes; undefined where they have a second factor already, or the setup counts no longer.
 */
export async function enrol(
  userId: string,
  setup: string,
  step: number,
  ports: Ports,
): Promise<readonly string[] | undefined> {
  const { tenant, store } = ports;
  const codes = await ports.secondFactor.enrol(tenant, userId, setup, step, ports.now());
  if (codes === undefined) return undefined;
  await store.sessions.endForUser(tenant.id, userId, ports.now());
  ports.notifyApps();
  ports.audit({ tenantId: tenant.id, at: ports.now(), type: 'second-factor.enrolled', outcome: 'success', userId });
  return codes;
}

const day = 86_400_000;

/** Whether the browser shows the cookie of a device that this person had remembered. */
async function isRemembered({ request, userId }: PersonKnown, { tenant, store, now }: Ports): Promise<boolean> {
  const { rememberDays } = tenant.secondFactor;
  const { rememberedHash } = request;
  return (
    rememberDays > 0 &&
    rememberedHash !== undefined &&
    // What the tenant allows by now holds for devices that were remembered before, too.
    store.secondFactors.knowsDevice(tenant.id, userId, rememberedHash, now(), now() - rememberDays * day)
  );
}

/** Remembers the device where the person wants it. Answers the value of its cookie. */
export async function rememberDevice(facts: PersonKnown, ports: Ports): Promise<{ readonly deviceToken?: string }> {
  const { tenant, store } = ports;
  const { rememberDays } = tenant.secondFactor;
  if (facts.rememberDevice !== true || rememberDays === 0) return {};
  const deviceToken = ports.newHandle();
  const now = ports.now();
  await store.secondFactors.rememberDevice({
    tenantId: tenant.id,
    hash: ports.hash(deviceToken),
    userId: facts.userId,
    rememberedAt: now,
    expiresAt: now + rememberDays * day,
  });
  return { deviceToken };
}

/** What was typed into the field for the app's code, else into the one for a recovery code. */
export function typedCode(input: Readonly<Record<string, unknown>>): string {
  const [code, recovery] = [input['code'], input['recovery']];
  if (typeof code === 'string' && code.trim() !== '') return code;
  return typeof recovery === 'string' ? recovery.trim() : '';
}
