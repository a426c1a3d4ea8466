/** Launch context: what the launch or the user's defaults say, whether a person must choose, and what they choose. */
import type { ContextChoice, UserSessionModel } from '../../script/model.ts';
import type { Json } from '../../script/runner.ts';
import type { RememberedContextKey } from '../../store/store.ts';
import type { Authenticated, ContextKnown, ContextPrepared, Grant, PastPage } from '../facts.ts';
import type { Ports } from '../ports.ts';
import { type Again, move, reject, type Rejection, type StepResult } from '../table.ts';
import { kindOf, missingKinds, needsPatient, openChoices, settledKinds, withOffered } from './choices.ts';
import { dueSearches, findChoice, findChoices, isOptional, openSearch, referenceOf } from './search.ts';

type Prepared = Omit<ContextPrepared, keyof Authenticated>;
type Progress = Pick<ContextPrepared, 'launchParameters' | 'chosen'>;
type Way = Pick<ContextPrepared, 'past' | 'searching' | 'numbered'>;
type PageBefore = Way & PastPage & Pick<ContextPrepared, 'choices'>;
type Known = Omit<ContextKnown, keyof Authenticated> & Pick<ContextKnown, 'session'>;

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

function patientMissing(facts: ContextPrepared): boolean {
  return !facts.foreignLaunch && needsPatient(facts.grantableScopes) && withOffered(facts)['patient'] === undefined;
}

/**
 * Decides whether somebody must choose, now that the script had its say, or the person chose. One kind is asked for
 * after the other: first what the script offers; then, for kinds that the app wants and of which the script has offered
 * nothing, the script once more, for it knows now whose they are to be; then what the tenant's searches find.
 */
export async function settleContext(
  before: ContextPrepared,
  ports: Ports,
): Promise<
  StepResult<{
    known: Known;
    choose: Progress & Pick<ContextPrepared, 'searching'>;
    more: Omit<Prepared, 'foreignLaunch'> & Pick<ContextPrepared, 'session'>;
  }>
> {
  let facts = before;
  const { skipOnlyChoice } = ports.tenant.launch;
  for (;;) {
    const [only, ...others] = openChoices(facts);
    if (only && (facts.contextRequired || patientMissing(facts))) {
      if (others.length > 0 || !skipOnlyChoice) return ask(facts);
      facts = { ...facts, ...choose(facts, only.choice) };
      continue;
    }
    if (!only && mayAskScript(facts)) return askScript(facts);
    const next = await searchNext(facts, ports);
    if (!next) return settled(facts) ?? reject('access_denied', 'There is no patient for this request', 'context-none');
    if (next.only === undefined || !skipOnlyChoice) return ask(facts, next);
    facts = { ...facts, ...choose(facts, next.only) };
  }
}

interface NextSearch {
  readonly kind: string;
  /** The one choice there is. */
  readonly only?: ContextChoice | undefined;
  readonly failed?: boolean;
}

/** The first search that finds something, or cannot be made: then the person is told so. */
async function searchNext(facts: ContextPrepared, ports: Ports): Promise<NextSearch | undefined> {
  for (const due of dueSearches(facts, ports)) {
    if (isOptional(due, facts) && facts.prompt.includes('none')) continue;
    const found = await findChoices(due, facts, ports);
    if (!found.ok) return { kind: due.kind, failed: true };
    const [first, ...others] = found.choices;
    if (first || found.more) return { kind: due.kind, only: others.length > 0 || found.more ? undefined : first };
  }
  return undefined;
}

function ask(facts: ContextPrepared, search?: NextSearch) {
  if (facts.prompt.includes('none'))
    return search?.failed
      ? reject('temporarily_unavailable', 'The records to choose from cannot be found', 'context-search-failed')
      : reject('interaction_required', 'The person must choose a context', 'context-required');
  const { launchParameters, chosen = [] } = facts;
  return move('choose', { launchParameters, chosen, searching: search?.kind });
}

/** Whether the script may know more, now that something is chosen: it has offered nothing of a kind that the app wants. */
function mayAskScript(facts: ContextPrepared): boolean {
  const offered = facts.offeredKinds ?? [];
  return (
    (facts.chosen ?? []).length > (facts.chosenBefore ?? 0) &&
    [...missingKinds(facts)].some((kind) => !offered.includes(kind))
  );
}

function askScript(facts: ContextPrepared) {
  const { launchParameters, chosen = [], choices, firstChoice = 0, past = [] } = facts;
  const last = past.at(-1);
  return move('more', {
    launchParameters,
    chosen,
    session: inProgress(facts.session, facts),
    choices: [],
    firstChoice: nextNumber(facts),
    chosenBefore: chosen.length,
    contextRequired: false,
    // The way back leads to the choices that were there before.
    ...(last && last.choices === undefined ? { past: [...past.slice(0, -1), { ...last, choices, firstChoice }] } : {}),
  });
}

/** The context as it goes on; undefined where there is no patient for scopes that need one. */
function settled(facts: ContextPrepared) {
  const chosen = facts.chosen ?? [];
  const launchParameters = { ...withOffered(facts) };
  if (patientMissing(facts)) {
    const preset = facts.session.defaultLaunchContexts.find(
      ({ contextType }) => contextType.toLowerCase() === 'patient',
    );
    if (!preset) return undefined;
    launchParameters['patient'] = preset.resourceId.replace(/^Patient\//, '');
  }
  return move('known', {
    launchParameters,
    session: inContext(facts.session, launchParameters),
    ...(chosen.length > 0 ? { contextName: chosen.map(({ display }) => display).join(', ') } : {}),
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

/**
 * The picker's form: a search, a step back, or one of the choices that are open: by its number, or by its reference where
 * a search found it.
 */
export async function acceptChoice(
  facts: ContextPrepared,
  input: Readonly<Record<string, unknown>>,
  ports: Ports,
): Promise<StepResult<{ chosen: Progress & Way & Pick<ContextPrepared, 'skippedKinds'>; back: PageBefore }> | Again> {
  if (input['do'] === 'cancel') return reject('access_denied', 'The person chose no context', 'context-cancelled');
  const view = { search: String(input['search'] ?? ''), page: String(input['page'] ?? '') };
  if (input['do'] === 'search') return { kind: 'again', view };
  if (input['do'] === 'back') {
    const way = isOfThisPage(facts, input) ? wayBack(facts) : undefined;
    return way ? move('back', way) : { kind: 'again', view };
  }
  const due = openSearch(facts, ports);
  if (input['do'] === 'skip' && isOfThisPage(facts, input) && due && isOptional(due, facts)) {
    const { launchParameters, chosen = [], skippedKinds = [] } = facts;
    return move('chosen', { launchParameters, chosen, ...onward(facts), skippedKinds: [...skippedKinds, due.kind] });
  }
  const picked = await pickedChoice(facts, String(input['choice']), ports);
  if (picked === 'unavailable') return { kind: 'again', error: 'unavailable', view };
  if (!picked) return { kind: 'again', error: 'choose-one', view };
  if (ports.tenant.launch.rememberChoice) await remember(facts, picked, input['remember'] !== undefined, ports);
  return move('chosen', { ...choose(facts, picked), ...onward(facts) });
}

/** Keeps how things stood at this page, for a way back to it. */
function onward(facts: ContextPrepared): Way {
  const { launchParameters, session, contextRequired, past = [] } = facts;
  const { chosen = [], chosenBefore = 0, offeredKinds = [], skippedKinds = [] } = facts;
  const page = { launchParameters, session, contextRequired, chosen, chosenBefore, offeredKinds, skippedKinds };
  return { past: [...past, page], searching: undefined };
}

/** Whether a form knows of as many choices as there are: what is sent twice goes back, or on, only once. */
function isOfThisPage({ past = [] }: ContextPrepared, input: Readonly<Record<string, unknown>>): boolean {
  return input['step'] === String(past.length);
}

/** How things stood at the page before. What was chosen there is forgotten. */
function wayBack(facts: ContextPrepared): PageBefore | undefined {
  const { past = [] } = facts;
  const before = past.at(-1);
  if (!before) return undefined;
  const { choices, firstChoice = 0 } = facts;
  return {
    choices,
    firstChoice,
    ...before,
    past: past.slice(0, -1),
    searching: undefined,
    numbered: nextNumber(facts),
  };
}

/** A number that no choice of the flow has had. */
function nextNumber({ numbered = 0, firstChoice = 0, choices }: ContextPrepared): number {
  return Math.max(numbered, firstChoice + choices.length);
}

async function pickedChoice(
  facts: ContextPrepared,
  given: string,
  ports: Ports,
): Promise<ContextChoice | undefined | 'unavailable'> {
  const due = openSearch(facts, ports);
  if (due) return findChoice(due, facts, ports, given);
  const number = facts.searching === undefined && /^\d{1,6}$/.test(given) ? Number(given) : -1;
  return openChoices(facts).find(({ index }) => index === number)?.choice;
}

/**
 * Which of the open choices the person wants offered first. It is looked for among them, so what is remembered never opens
 * a record that is not offered now.
 */
export async function rememberedChoice(facts: ContextPrepared, ports: Ports): Promise<ContextChoice | undefined> {
  const due = openSearch(facts, ports);
  const open = due ? [] : openChoices(facts);
  const kind = due?.kind ?? (open[0] && kindOf(open[0].choice));
  if (kind === undefined || !ports.tenant.launch.rememberChoice) return undefined;
  const resourceId = await ports.store.rememberedContexts.find(memoryOf(facts, kind, ports), ports.now());
  if (resourceId === undefined || !due) return open.find(({ choice }) => choice.resourceId === resourceId)?.choice;
  const found = await findChoice(due, facts, ports, referenceOf(due, { resourceId }));
  return found === 'unavailable' ? undefined : found;
}

/** Keeps the choice where that is wanted. A memory that the page showed and that is no longer wanted goes. */
async function remember(facts: ContextPrepared, choice: ContextChoice, wanted: boolean, ports: Ports): Promise<void> {
  const { store, tenant, now } = ports;
  const key = memoryOf(facts, kindOf(choice), ports);
  if (wanted)
    await store.rememberedContexts.save(key, choice.resourceId, now() + tenant.lifetimes.consentSeconds * 1000);
  else if (await rememberedChoice(facts, ports)) await store.rememberedContexts.delete(tenant.id, facts.userId, key);
}

function memoryOf({ userId, clientId }: ContextPrepared, kind: string, ports: Ports): RememberedContextKey {
  return { tenantId: ports.tenant.id, userId, clientId, kind };
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
