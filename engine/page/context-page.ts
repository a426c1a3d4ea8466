/** The page on which a person picks one of the choices that are open: searched, in pages, the remembered one first. */
import type { ContextPrepared } from '../flow/facts.ts';
import type { Ports } from '../flow/ports.ts';
import { lastPage } from '../fhir/context-search.ts';
import { isSearchable } from '../fhir/search-query.ts';
import { kindOf, type NumberedChoice, openChoices, searchChoices } from '../flow/step/choices.ts';
import { rememberedChoice } from '../flow/step/context.ts';
import { type DueSearch, findChoices, isOptional, openSearch, referenceOf } from '../flow/step/search.ts';
import type { ContextChoice } from '../script/model.ts';
import { browserScriptAddress } from './browser-script.ts';
import { type ContextBanner, contextErrors, type PageViews } from './view.ts';

/** So many choices are on one page. */
const mostChoices = 50;
/** So many choices are seen at a glance; more of them are searched. */
const fewChoices = 7;
const longestSearch = 200;
const script = 'search-choices';

type View = PageViews['context'];
type Shown = View['choices'][number];

/** What of the choices the page shows. */
interface Part extends Pick<
  View,
  'kind' | 'searchable' | 'plainSearch' | 'maySkip' | 'pageNumber' | 'from' | 'to' | 'total' | 'remember'
> {
  readonly choices: readonly Shown[];
  readonly more: boolean;
  readonly failed?: boolean;
}

interface Asked {
  readonly search: string;
  readonly page: number;
}

/** @param again the search, the page of the list, and what was wrong with the form before. */
export async function contextPage(
  facts: ContextPrepared,
  form: { readonly csrf: string; readonly action: string; readonly clientName: string },
  again: { readonly error?: string; readonly view?: Readonly<Record<string, string>> },
  ports: Ports,
): Promise<{ readonly name: 'context'; readonly view: View; readonly script?: typeof script }> {
  const search = (again.view?.['search'] ?? '').slice(0, longestSearch);
  const asked = { search, page: numberOf(again.view?.['page']) };
  const due = openSearch(facts, ports);
  const { more, failed, ...part } = due ? await found(due, facts, asked, ports) : await offered(facts, asked, ports);
  const pageAt = (number: number) => {
    const address = new URL(form.action);
    if (search !== '') address.searchParams.set('search', search);
    address.searchParams.set('page', String(number));
    return address.href;
  };
  const { past = [] } = facts;
  const error = failed ? 'unavailable' : contextErrors.find((known) => known === again.error);
  const view: View = {
    ...form,
    ...part,
    chosen: (facts.chosen ?? []).map((choice) => ({ kind: kindOf(choice), ...bannerOf(choice) })),
    search,
    ...(part.searchable ? { script: browserScriptAddress(ports.tenant.issuer, script) } : {}),
    ...(part.pageNumber > 1 ? { previous: pageAt(part.pageNumber - 1) } : {}),
    ...(more ? { next: pageAt(part.pageNumber + 1) } : {}),
    required: facts.contextRequired,
    mayRemember: ports.tenant.launch.rememberChoice,
    step: past.length,
    mayGoBack: past.length > 0,
    ...(error ? { error } : {}),
  };
  return { name: 'context', view, ...(part.searchable ? { script } : {}) };
}

/** The part of the script's choices. */
async function offered(facts: ContextPrepared, { search, page: wanted }: Asked, ports: Ports): Promise<Part> {
  const open = openChoices(facts);
  const remembered = await rememberedChoice(facts, ports);
  const isRemembered = ({ choice }: NumberedChoice) => choice === remembered;
  const matching = searchChoices(open, search);
  const all = [...matching.filter(isRemembered), ...matching.filter((one) => !isRemembered(one))];
  const pages = Math.max(1, Math.ceil(all.length / mostChoices));
  const page = Math.min(pages, wanted);
  const first = (page - 1) * mostChoices;
  const named = Map.groupBy(open, ({ choice }) => choice.display);
  return {
    kind: open[0] ? kindOf(open[0].choice) : 'patient',
    searchable: open.length > fewChoices,
    plainSearch: false,
    maySkip: false,
    choices: all.slice(first, first + mostChoices).map((one) => ({
      index: one.index,
      ...bannerOf(one.choice),
      ...((named.get(one.choice.display)?.length ?? 0) > 1 ? { namesake: true } : {}),
      ...(isRemembered(one) ? { remembered: true } : {}),
      checked: all.length === 1 || isRemembered(one),
    })),
    total: all.length,
    pageNumber: page,
    from: first + 1,
    to: Math.min(first + mostChoices, all.length),
    more: page < pages,
    remember: remembered !== undefined,
  };
}

/** The part that a search on the FHIR server finds. The remembered record comes before the first page. */
async function found(due: DueSearch, facts: ContextPrepared, asked: Asked, ports: Ports): Promise<Part> {
  const { search } = asked;
  const page = Math.min(asked.page, lastPage);
  const result = await findChoices(due, facts, ports, { text: search, page });
  const from = (page - 1) * due.search.pageSize + 1;
  const { words, dates, numbers } = due.search.find;
  const common = {
    kind: due.kind,
    pageNumber: page,
    from,
    maySkip: isOptional(due, facts),
    // The usual words promise all three.
    plainSearch: [words, dates, numbers].includes(undefined) || due.kind !== 'patient',
  };
  if (!result.ok)
    return {
      ...common,
      to: from - 1,
      searchable: search !== '',
      choices: [],
      more: false,
      failed: true,
      remember: false,
    };
  const { more } = result;
  const remembered = await rememberedChoice(facts, ports);
  const isRemembered = ({ resourceId }: ContextChoice) => resourceId === remembered?.resourceId;
  const choices =
    search === '' && page === 1 && remembered
      ? [remembered, ...result.choices.filter((choice) => !isRemembered(choice))]
      : result.choices;
  const named = Map.groupBy(choices, ({ display }) => display);
  // Without its word, the server's last page says how many there are.
  const to = from - 1 + result.choices.length;
  const total = more ? result.total : (result.total ?? to);
  return {
    ...common,
    to,
    searchable: isSearchable(due.search) && (search !== '' || page > 1 || more || choices.length > fewChoices),
    choices: choices.map((choice) => ({
      index: referenceOf(due, choice),
      ...bannerOf(choice),
      ...((named.get(choice.display)?.length ?? 0) > 1 ? { namesake: true } : {}),
      ...(isRemembered(choice) ? { remembered: true } : {}),
      checked: (choices.length === 1 && !more && page === 1) || isRemembered(choice),
    })),
    ...(total === undefined ? {} : { total }),
    more: more && page < lastPage,
    remember: remembered !== undefined,
  };
}

/** What tells a record from its namesakes. */
function bannerOf({ display, birthDate, sex, identifier }: ContextChoice): ContextBanner {
  return {
    display,
    ...(birthDate ? { birthDate } : {}),
    ...(sex ? { sex } : {}),
    ...(identifier ? { identifier } : {}),
  };
}

function numberOf(text = ''): number {
  return /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 1;
}
