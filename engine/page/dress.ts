/** Makes of a page's view what its template shows: words in the person's language, and answers mustache cannot find itself. */
import type { PageName, PageViews } from './view.ts';
import { describeScope, say, sayDay, sayError, type Words } from './words.ts';

type Dressed = Readonly<Record<string, unknown>>;

/** Adds to a view its words, whether its lists have entries, which page it is and which error it shows. */
export function dress<P extends PageName>(page: P, view: PageViews[P], words: Words): Dressed {
  const dressed: Record<string, unknown> = { ...view, [`is-${page}`]: true, ...wordsOf(page, view, words) };
  for (const [name, value] of Object.entries(dressed))
    if (Array.isArray(value)) dressed[`has${name[0]?.toUpperCase()}${name.slice(1)}`] = value.length > 0;
  if ('error' in view && typeof view.error === 'string') {
    dressed[`error-${view.error}`] = true;
    dressed['errorText'] = say(words, `${page}.error-${view.error}`);
  }
  return dressed;
}

function wordsOf(page: PageName, view: PageViews[PageName], words: Words): Dressed {
  switch (page) {
    case 'context':
      return contextWords(view as PageViews['context'], words);
    case 'consent':
      return consentWords(view as PageViews['consent'], words);
    case 'manage': {
      const { apps } = view as PageViews['manage'];
      return {
        apps: apps.map((app) => ({
          ...app,
          ...(app.since === undefined ? {} : { since: sayDay(words, app.since) }),
          hasScopes: app.scopes.length > 0,
          scopes: app.scopes.map((scope) => ({ value: scope, ...describeScope(words, scope) })),
        })),
      };
    }
    case 'links': {
      const { providers, done } = view as PageViews['links'];
      return {
        ...(done ? { [`done-${done}`]: true } : {}),
        providers: providers.map((provider) => ({
          ...provider,
          ...(provider.since === undefined ? {} : { since: sayDay(words, provider.since) }),
        })),
      };
    }
    case 'newPassword': {
      const { faults, why, minimumLength } = view as PageViews['newPassword'];
      const gaps = { minimum: String(minimumLength) };
      return {
        ...(why ? { whyText: say(words, `newPassword.why-${why}`) } : {}),
        ruleText: say(words, 'newPassword.rule', gaps),
        faults: faults.map((code) => ({ code, text: say(words, `newPassword.fault-${code}`, gaps) })),
      };
    }
    case 'error':
      return { ...sayError(words, (view as PageViews['error']).code) };
    default:
      return {};
  }
}

function contextWords({ choices, total, search }: PageViews['context'], words: Words): Dressed {
  const more = total > choices.length;
  return {
    more,
    moreText: more ? say(words, 'context.more', { shown: String(choices.length), total: String(total) }) : '',
    noneText: say(words, 'context.none', { search }),
    choices: choices.map(({ sex, ...choice }) => ({
      ...choice,
      ...(sex === undefined ? {} : { sex: say(words, `sex.${sex.toLowerCase()}`) || sex }),
    })),
  };
}

function consentWords({ scopes, attestation }: PageViews['consent'], words: Words): Dressed {
  return {
    scopes: scopes.map((scope) => ({ ...scope, ...describeScope(words, scope.value) })),
    ...(attestation ? { attestation: { ...attestation, date: sayDay(words, attestation.date) } } : {}),
  };
}
