/** Launch context: what the launch or the user's defaults say, whether a person must choose, and the choice. */
import type { ContextChoice, UserSessionModel } from '../../script/model.ts';
import type { Json } from '../../script/runner.ts';
import type { Authenticated, ContextKnown, ContextPrepared, Grant } from '../facts.ts';
import type { Ports } from '../ports.ts';
import { type Again, move, reject, type Rejection, type StepResult } from '../table.ts';

type Prepared = Omit<ContextPrepared, keyof Authenticated>;
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

/** Decides whether somebody must choose, now that the script had its say. */
export function settleContext(facts: ContextPrepared, ports: Ports): StepResult<{ known: Known; choose: unknown }> {
  const launchParameters = { ...facts.launchParameters };
  for (const { resourceType, resourceId } of facts.session.launchResourceIds)
    launchParameters[resourceType.toLowerCase()] ??= resourceId;
  const patientMissing =
    !facts.foreignLaunch && needsPatient(facts.grantableScopes) && launchParameters['patient'] === undefined;
  if (facts.choices.length > 0 && (patientMissing || facts.contextRequired)) {
    const [only, ...others] = facts.choices;
    if (only && others.length === 0 && ports.tenant.launch.skipOnlyChoice) return move('known', taken(facts, only));
    return facts.prompt.includes('none')
      ? reject('interaction_required', 'The person must choose a context', 'context-required')
      : move('choose', {});
  }
  if (patientMissing) {
    const preset = facts.session.defaultLaunchContexts.find(
      ({ contextType }) => contextType.toLowerCase() === 'patient',
    );
    if (!preset) return reject('access_denied', 'There is no patient for this request', 'context-none');
    launchParameters['patient'] = preset.resourceId.replace(/^Patient\//, '');
  }
  return move('known', { launchParameters, session: inContext(facts.session, launchParameters) });
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

/** The picker's form: a search, or one of the offered choices by its place in the list. */
export function acceptChoice(
  facts: ContextPrepared,
  input: Readonly<Record<string, unknown>>,
): StepResult<{ chosen: Known }> | Again {
  if (input['do'] === 'cancel') return reject('access_denied', 'The person chose no context', 'context-cancelled');
  const view = { search: String(input['search'] ?? ''), page: String(input['page'] ?? '') };
  if (input['do'] === 'search') return { kind: 'again', view };
  const index = typeof input['choice'] === 'string' && /^\d{1,4}$/.test(input['choice']) ? Number(input['choice']) : -1;
  const choice = facts.choices[index];
  if (!choice) return { kind: 'again', error: 'choose-one', view };
  return move('chosen', taken(facts, choice));
}

/** What is known once this choice is made. */
function taken(facts: ContextPrepared, choice: ContextChoice): Known {
  // As where nobody chooses, the launch's own word comes before the script's.
  const offered = facts.session.launchResourceIds.map(({ resourceType, resourceId }) => [
    resourceType.toLowerCase(),
    resourceId,
  ]);
  const launchParameters: Record<string, Json> = {
    ...(Object.fromEntries(offered) as Record<string, string>),
    ...facts.launchParameters,
    ...choice.launchParameters,
    [choice.contextType.toLowerCase()]: choice.resourceId,
  };
  return {
    launchParameters,
    session: inContext(facts.session, launchParameters),
    contextName: choice.display,
  };
}

/**
 * The choices that match a search, with their places in the whole list. Accents and case do not matter, and a birth date
 * may be written as people do: `2.6.1984`, or with slashes in either order.
 */
export function searchChoices(
  choices: readonly ContextChoice[],
  search: string,
): readonly { readonly index: number; readonly choice: ContextChoice }[] {
  const words = plain(search)
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => [word, ...datesOf(word)]);
  return choices
    .map((choice, index) => ({ index, choice }))
    .filter(({ choice }) => {
      const text = plain([choice.display, choice.birthDate, choice.identifier, choice.sex].join(' '));
      return words.every((readings) => readings.some((reading) => text.includes(reading)));
    });
}

function plain(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

/** The ISO dates a word may mean. */
function datesOf(word: string): readonly string[] {
  const [, one = '', dot = '', other = '', year = ''] = /^(\d{1,2})([./])(\d{1,2})[./](\d{4})$/.exec(word) ?? [];
  if (year === '') return [];
  const date = (day: string, month: string) => `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  return dot === '.' ? [date(one, other)] : [date(one, other), date(other, one)];
}
