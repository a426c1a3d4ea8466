/** Launch context: what the launch or the user's defaults say, whether a person must choose, and what they choose. */
import type { ContextChoice, UserSessionModel } from '../../script/model.ts';
import type { Json } from '../../script/runner.ts';
import type { RememberedContextKey } from '../../store/store.ts';
import type { Authenticated, ContextKnown, ContextPrepared, Grant } from '../facts.ts';
import type { Ports } from '../ports.ts';
import { type Again, move, reject, type Rejection, type StepResult } from '../table.ts';
import { kindOf, type NumberedChoice, openChoices, settledKinds } from './choices.ts';

type Prepared = Omit<ContextPrepared, keyof Authenticated>;
type Progress = Pick<ContextPrepared, 'launchParameters' | 'chosen'>;
type Known = Omit<ContextKnown, keyof Authenticated> & Pick<ContextKnown, 'session'>;

/** Whether the granted scopes cannot do without a patient (SMART App Launch 2.2, section 3.0.3). */
function needsPatient(scopes: readonly string[]): boolean {
  return scopes.some((scope) => scope.startsWith('patient/') || /^launch\/patient($|\?)/.test(scope));
}

/** Takes the launch handle (single use) and collects what is known of the context. */
export async function prepareContext(facts: Authenticated, ports: Ports): Promise<StepResult<{ prepared: Prepared }>> {
  let launchParameters: Record<string, Json> = {};
  let foreignLaunch = false;
  if (facts.launch !== undefined && facts.requestedScopes.includes('launch')) {
    const launch = await ports.store.launches.take(ports.tenant.id, ports.hash(facts.launch), ports.now());
    if (!launch && !ports.tenant.launch.acceptUnknown) {
      return reject('invalid_request', 'The launch is unknown, expired or used', 'launch-used');
    }
    if (launch && (launch.username !== facts.session.username || launch.clientId !== facts.clientId)) {
      return reject('access_denied', 'The launch was made for another user', 'launch-user-mismatch');
    }
    launchParameters = { ...(launch?.context as Record<string, Json> | undefined) };
    foreignLaunch = !launch;
  }
  return move('prepared', {
    launchParameters,
    choices: [],
    contextRequired: !foreignLaunch && needsPatient(facts.grantableScopes) && launchParameters['patient'] === undefined,
    ...(foreignLaunch ? { foreignLaunch } : {}),
  });
}

/** The session with what is settled so far, for a script to see. */
export function inProgress(session: UserSessionModel, facts: Progress): UserSessionModel {
  const settled = Object.entries(settledKinds(facts)).flatMap(([resourceType, resourceId]) =>
    typeof resourceId === 'string' ? [{ resourceType, resourceId }] : [],
  );
  const kinds = new Set(settled.map(({ resourceType }) => resourceType));
  const others = session.launchResourceIds.filter(({ resourceType }) => !kinds.has(resourceType.toLowerCase()));
  return settled.length === 0 ? session : { ...session, launchResourceIds: [...settled, ...others] };
}

/** The session with the context that was settled: what a script offered earlier must not outlive the person's choice. */
function inContext(session: UserSessionModel, settled: Readonly<Record<string, Json>>): UserSessionModel {
  const types = new Set(session.launchResourceIds.map(({ resourceType }) => resourceType.toLowerCase()));
  for (const type of ['patient', 'encounter']) types.add(type);
  return {
    ...session,
    launchResourceIds: [...types].flatMap((resourceType) => {
      const resourceId = settled[resourceType];
      return typeof resourceId === 'string' ? [{ resourceType, resourceId }] : [];
    }),
  };
}

/** The launch's own word and the person's come before what the script offered. */
function withOffered({ launchParameters, session }: ContextPrepared): Readonly<Record<string, Json>> {
  const all = { ...launchParameters };
  for (const { resourceType, resourceId } of session.launchResourceIds) all[resourceType.toLowerCase()] ??= resourceId;
  return all;
}

function patientMissing(facts: ContextPrepared): boolean {
  return !facts.foreignLaunch && needsPatient(facts.grantableScopes) && withOffered(facts)['patient'] === undefined;
}

/**
 * Decides whether somebody must choose, now that the script had its say, or the person chose. One kind is asked for
 * after the other. Where the app wants a further kind (`launch/encounter`) and none of it is offered, the script is asked
 * once more, for it knows now whose it is to be.
 */
export function settleContext(
  before: ContextPrepared,
  ports: Ports,
): StepResult<{
  known: Known;
  choose: Progress;
  more: Omit<Prepared, 'foreignLaunch'> & Pick<ContextPrepared, 'session'>;
}> {
  let facts = before;
  let open = openChoices(facts);
  while (open.length > 0 && (facts.contextRequired || patientMissing(facts))) {
    const [only, ...others] = open;
    if (!only || others.length > 0 || !ports.tenant.launch.skipOnlyChoice)
      return facts.prompt.includes('none')
        ? reject('interaction_required', 'The person must choose a context', 'context-required')
        : move('choose', { launchParameters: facts.launchParameters, chosen: facts.chosen ?? [] });
    facts = { ...facts, ...choose(facts, only.choice) };
    open = openChoices(facts);
  }
  const chosen = facts.chosen ?? [];
  if (chosen.length > (facts.chosenBefore ?? 0) && open.length === 0 && wantsMore(facts))
    return move('more', {
      launchParameters: facts.launchParameters,
      chosen,
      session: inProgress(facts.session, facts),
      choices: [],
      firstChoice: (facts.firstChoice ?? 0) + facts.choices.length,
      chosenBefore: chosen.length,
      contextRequired: false,
    });
  const launchParameters = { ...withOffered(facts) };
  if (patientMissing(facts)) {
    const preset = facts.session.defaultLaunchContexts.find(
      ({ contextType }) => contextType.toLowerCase() === 'patient',
    );
    if (!preset) return reject('access_denied', 'There is no patient for this request', 'context-none');
    launchParameters['patient'] = preset.resourceId.replace(/^Patient\//, '');
  }
  return move('known', {
    launchParameters,
    session: inContext(facts.session, launchParameters),
    ...(chosen.length > 0 ? { contextName: chosen.map(({ display }) => display).join(', ') } : {}),
  });
}

/** Whether the app asks for a kind of context that nothing has named so far. */
function wantsMore(facts: ContextPrepared): boolean {
  const known = withOffered(facts);
  return facts.grantableScopes.some((scope) => {
    const [, kind] = /^launch\/([a-z]+)/.exec(scope) ?? [];
    return kind !== undefined && known[kind] === undefined;
  });
}

/**
 * A scope for one patient's record must not leave without the patient. Where the EHR's own launch handle was left to the
 * callback, this is the first moment at which there may be none.
 */
export function requirePatient(grant: Grant): { readonly grant: Grant } | Rejection {
  const resources = grant.session?.launchResourceIds ?? [];
  const named =
    typeof grant.launchParameters['patient'] === 'string' ||
    resources.some(({ resourceType }) => resourceType.toLowerCase() === 'patient');
  return named || grant.session === null || !needsPatient(grant.approvedScopes)
    ? { grant }
    : reject('access_denied', 'There is no patient for this request', 'context-none', { status: 400 });
}

/** The picker's form: a search, or one of the choices that are open, by its number. */
export async function acceptChoice(
  facts: ContextPrepared,
  input: Readonly<Record<string, unknown>>,
  ports: Ports,
): Promise<StepResult<{ chosen: Progress }> | Again> {
  if (input['do'] === 'cancel') return reject('access_denied', 'The person chose no context', 'context-cancelled');
  const view = { search: String(input['search'] ?? ''), page: String(input['page'] ?? '') };
  if (input['do'] === 'search') return { kind: 'again', view };
  const number =
    typeof input['choice'] === 'string' && /^\d{1,6}$/.test(input['choice']) ? Number(input['choice']) : -1;
  const picked = openChoices(facts).find(({ index }) => index === number);
  if (!picked) return { kind: 'again', error: 'choose-one', view };
  if (ports.tenant.launch.rememberChoice) await remember(facts, picked.choice, input['remember'] !== undefined, ports);
  return move('chosen', choose(facts, picked.choice));
}

/**
 * Which of the open choices the person wants offered first. It is looked for among them, so what is remembered never opens
 * a record that is not offered now.
 */
export async function rememberedChoice(facts: ContextPrepared, ports: Ports): Promise<NumberedChoice | undefined> {
  const open = openChoices(facts);
  const [first] = open;
  if (!first || !ports.tenant.launch.rememberChoice) return undefined;
  const resourceId = await ports.store.rememberedContexts.find(memoryOf(facts, first.choice, ports), ports.now());
  return open.find(({ choice }) => choice.resourceId === resourceId);
}

/** Keeps the choice where that is wanted. A memory that the page showed and that is no longer wanted goes. */
async function remember(facts: ContextPrepared, choice: ContextChoice, wanted: boolean, ports: Ports): Promise<void> {
  const { store, tenant, now } = ports;
  const key = memoryOf(facts, choice, ports);
  if (wanted)
    await store.rememberedContexts.save(key, choice.resourceId, now() + tenant.lifetimes.consentSeconds * 1000);
  else if (await rememberedChoice(facts, ports)) await store.rememberedContexts.delete(tenant.id, facts.userId, key);
}

function memoryOf({ userId, clientId }: ContextPrepared, choice: ContextChoice, ports: Ports): RememberedContextKey {
  return { tenantId: ports.tenant.id, userId, clientId, kind: kindOf(choice) };
}

/** What is known once this choice is made. Nothing that is settled already is changed by what comes with it. */
function choose(facts: ContextPrepared, choice: ContextChoice): Progress {
  return {
    launchParameters: {
      ...facts.launchParameters,
      ...choice.launchParameters,
      ...settledKinds(facts),
      [kindOf(choice)]: choice.resourceId,
    },
    chosen: [...(facts.chosen ?? []), choice],
  };
}
