/** The page on which a person picks one of the choices that are open: searched, in pages, the remembered one first. */
import type { ContextPrepared } from '../flow/facts.ts';
import type { Ports } from '../flow/ports.ts';
import { kindOf, type NumberedChoice, openChoices, searchChoices } from '../flow/step/choices.ts';
import { rememberedChoice } from '../flow/step/context.ts';
import type { ContextChoice } from '../script/model.ts';
import { browserScriptAddress } from './browser-script.ts';
import type { ContextBanner, PageViews } from './view.ts';

/** So many choices are on one page. */
const mostChoices = 50;
/** So many choices are seen at a glance; more of them are searched. */
const fewChoices = 7;
const script = 'search-choices';

/** @param again the search, the page of the list, and what was wrong with the form before. */
export async function contextPage(
  facts: ContextPrepared,
  form: { readonly csrf: string; readonly action: string; readonly clientName: string },
  again: { readonly error?: string; readonly view?: Readonly<Record<string, string>> },
  ports: Ports,
): Promise<{ readonly name: 'context'; readonly view: PageViews['context']; readonly script?: typeof script }> {
  const search = again.view?.['search'] ?? '';
  const open = openChoices(facts);
  const remembered = await rememberedChoice(facts, ports);
  const isRemembered = ({ index }: NumberedChoice) => index === remembered?.index;
  const matching = searchChoices(open, search);
  const found = [...matching.filter(isRemembered), ...matching.filter((one) => !isRemembered(one))];
  const pages = Math.max(1, Math.ceil(found.length / mostChoices));
  const page = Math.min(pages, numberOf(again.view?.['page']));
  const first = (page - 1) * mostChoices;
  const named = Map.groupBy(open, ({ choice }) => choice.display);
  const searchable = open.length > fewChoices;
  const pageAt = (number: number) => {
    const address = new URL(form.action);
    if (search !== '') address.searchParams.set('search', search);
    address.searchParams.set('page', String(number));
    return address.href;
  };
  const view: PageViews['context'] = {
    ...form,
    kind: open[0] ? kindOf(open[0].choice) : 'patient',
    chosen: (facts.chosen ?? []).map((choice) => ({ kind: kindOf(choice), ...bannerOf(choice) })),
    search,
    searchable,
    ...(searchable ? { script: browserScriptAddress(ports.tenant.issuer, script) } : {}),
    choices: found.slice(first, first + mostChoices).map((one) => ({
      index: one.index,
      ...bannerOf(one.choice),
      ...((named.get(one.choice.display)?.length ?? 0) > 1 ? { namesake: true } : {}),
      ...(isRemembered(one) ? { remembered: true } : {}),
      checked: found.length === 1 || isRemembered(one),
    })),
    total: found.length,
    pageNumber: page,
    from: first + 1,
    ...(page > 1 ? { previous: pageAt(page - 1) } : {}),
    ...(page < pages ? { next: pageAt(page + 1) } : {}),
    required: facts.contextRequired,
    mayRemember: ports.tenant.launch.rememberChoice,
    remember: remembered !== undefined,
    ...(again.error === 'choose-one' ? { error: 'choose-one' } : {}),
  };
  return { name: 'context', view, ...(searchable ? { script } : {}) };
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
