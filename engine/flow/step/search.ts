/** Choices that a search on the FHIR server finds: which search is due, and what of its findings this person may choose. */
import { ownReference } from '../../fhir/resource.ts';
import { gapsOf } from '../../fhir/search-query.ts';
import type { ContextChoice } from '../../script/model.ts';
import type { ContextSearch, FhirServer } from '../../tenant/tenant.ts';
import type { ContextPrepared } from '../facts.ts';
import type { ContextFound, Ports } from '../ports.ts';
import { fits, missingKinds, needsPatient, withOffered } from './choices.ts';

/** A search that is for this person and this app. */
export interface DueSearch {
  readonly kind: string;
  readonly search: ContextSearch;
  readonly server: FhirServer;
}

/**
 * The searches for the kinds that are still missing, in the tenant's order. What the launch names is settled; while an
 * EHR's own handle waits to be resolved, nobody is asked.
 */
export function dueSearches(facts: ContextPrepared, { tenant }: Ports): readonly DueSearch[] {
  const server = tenant.fhirServers.find(({ url }) => url === facts.audience);
  if (facts.foreignLaunch || !server) return [];
  const missing = missingKinds(facts);
  const due = new Map<string, DueSearch>();
  for (const search of tenant.launch.searches) {
    const kind = search.resourceType.toLowerCase();
    // What the script offers of a kind is all there is of it.
    if (facts.offeredKinds?.includes(kind) || facts.skippedKinds?.includes(kind)) continue;
    const person = ownReference(facts.session.fhirUserUrl, server.url);
    const isFor = search.for === undefined || search.for.includes(person?.type ?? '');
    const isHere = search.server === undefined || search.server === server.name;
    if (missing.has(kind) && isFor && isHere && !due.has(kind)) due.set(kind, { kind, search, server });
  }
  return [...due.values()];
}

/** Whether the person may go on without. */
export function isOptional({ kind, search }: DueSearch, { grantableScopes }: ContextPrepared): boolean {
  return search.optional && !(kind === 'patient' && needsPatient(grantableScopes));
}

/** The search that the person is at. */
export function openSearch(facts: ContextPrepared, ports: Ports): DueSearch | undefined {
  return facts.searching === undefined
    ? undefined
    : dueSearches(facts, ports).find(({ kind }) => kind === facts.searching);
}

/** What the search finds of what goes with all that is settled. */
export async function findChoices(
  { search, server }: DueSearch,
  facts: ContextPrepared,
  ports: Ports,
  wanted: { readonly text?: string; readonly page?: number; readonly id?: string } = {},
): Promise<ContextFound> {
  const gaps = fillings(facts, server);
  if ([...gapsOf(search)].some((name) => gaps[name] === undefined)) {
    ports.log('info', 'nobody can be asked for a context: a search has gaps that nothing fills', {
      resourceType: search.resourceType,
      gaps: [...gapsOf(search)].filter((name) => gaps[name] === undefined).join(', '),
    });
    return { ok: true, choices: [], more: false, total: 0 };
  }
  const found = await ports.contextSearch.find({ tenant: ports.tenant, server, search, gaps, ...wanted });
  if (!found.ok) return found;
  const settled = { ...facts, launchParameters: withOffered(facts) };
  return {
    ...found,
    choices: found.choices.map((choice) => narrowed(choice, facts)).filter((choice) => fits(choice, settled)),
  };
}

/** The one record of this id, where the search finds it for this person; whatever a form says, nothing else is chosen. */
export async function findChoice(
  due: DueSearch,
  facts: ContextPrepared,
  ports: Ports,
  reference: string,
): Promise<ContextChoice | undefined | 'unavailable'> {
  const [, type, id] = /^([A-Za-z]+)\/([A-Za-z0-9.-]{1,64})$/.exec(reference) ?? [];
  if (type !== due.search.resourceType || id === undefined) return undefined;
  const found = await findChoices(due, facts, ports, { id });
  return found.ok ? found.choices.find(({ resourceId }) => resourceId === id) : 'unavailable';
}

/** What a form sends for a choice that a search found: its number would mean another one when the records change. */
export function referenceOf({ search }: DueSearch, { resourceId }: Pick<ContextChoice, 'resourceId'>): string {
  return `${search.resourceType}/${resourceId}`;
}

/** The patient whose record it is goes to the app only where it asks for the patient, or knows them already. */
function narrowed(choice: ContextChoice, facts: ContextPrepared): ContextChoice {
  if (withOffered(facts)['patient'] !== undefined || missingKinds(facts).has('patient')) return choice;
  const { launchParameters: _whose, ...rest } = choice;
  return rest;
}

/** What the gaps of a search stand for. A `fhirUser` of another server is nobody here. */
function fillings({ session, ...facts }: ContextPrepared, server: FhirServer): Readonly<Record<string, string>> {
  const person = ownReference(session.fhirUserUrl, server.url);
  const kinds = Object.entries(withOffered({ session, ...facts })).flatMap(([kind, value]) =>
    typeof value === 'string' && /^[a-z]+$/.test(kind) ? [[kind, value.replace(/^[A-Za-z]+\//, '')]] : [],
  );
  return {
    ...(Object.fromEntries(kinds) as Record<string, string>),
    username: session.username,
    ...(person ? { fhirUser: `${person.type}/${person.id}`, 'fhirUser.id': person.id } : {}),
  };
}
