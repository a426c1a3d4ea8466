/** Makes of a page's view what its template shows: words in the person's language, and answers mustache cannot find itself. */
import type { AskedField, ContextBanner, PageName, PageViews } from './view.ts';
import { describeScope, groupOf, say, sayDay, sayError, sayList, scopeGroups, type Words } from './words.ts';

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
      const { apps, sessions, ended } = view as PageViews['manage'];
      return {
        ...(ended === undefined ? {} : { endedText: say(words, endedKeys[ended]) }),
        sessions: sessions.map(({ browser, system, since, lastSeen, ...session }) => ({
          ...session,
          name: deviceName(words, browser, system),
          since: sayDay(words, since),
          ...(lastSeen === undefined ? {} : { lastSeen: sayDay(words, lastSeen) }),
        })),
        apps: apps.map((app) => ({
          ...app,
          ...(app.since === undefined ? {} : { since: sayDay(words, app.since) }),
          ...(app.lastUsed === undefined ? {} : { lastUsed: sayDay(words, app.lastUsed) }),
          ...(app.terms === undefined
            ? {}
            : {
                termsText: say(words, 'manage.terms', {
                  version: app.terms.version,
                  day: sayDay(words, app.terms.accepted),
                }),
              }),
          ...(app.choices.length === 0
            ? {}
            : {
                choicesText: say(words, 'manage.choices', {
                  kinds: sayList(
                    words,
                    app.choices.map((kind) => kindName(kind, words)),
                  ),
                }),
              }),
          hasScopes: app.scopes.length > 0,
          scopes: app.scopes.map((scope) => ({ value: scope, ...describeScope(words, scope) })),
        })),
      };
    }
    case 'secondFactor': {
      const { rememberDays } = view as PageViews['secondFactor'];
      return rememberDays === 0
        ? {}
        : { rememberText: say(words, 'secondFactor.remember', { days: String(rememberDays) }) };
    }
    case 'security': {
      const { done, since, recoveryCodes, devices, passkeys } = view as PageViews['security'];
      const gaps = { count: String(devices) };
      return {
        ...(done === undefined ? {} : { doneText: say(words, securityDoneKeys[done]) }),
        ...(since === undefined ? {} : { since: sayDay(words, since) }),
        few: recoveryCodes < fewRecoveryCodes,
        passkeys: passkeys.map(({ browser, system, since: made, lastUsed, ...passkey }) => ({
          ...passkey,
          name: deviceName(words, browser, system),
          since: sayDay(words, made),
          ...(lastUsed === undefined ? {} : { lastUsed: sayDay(words, lastUsed) }),
        })),
        ...(devices === 0
          ? {}
          : { devicesText: say(words, devices === 1 ? 'security.devices-one' : 'security.devices-many', gaps) }),
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
    case 'register': {
      const { fields, clientName, terms } = view as PageViews['register'];
      return {
        ...(clientName === undefined ? {} : { forText: say(words, 'register.for', { name: clientName }) }),
        fields: fields.map((field) => askedField(field, words)),
        ...(terms ? { acceptText: say(words, 'register.accept', { version: terms.version }) } : {}),
      };
    }
    case 'registerConfirm': {
      const { answers, usernameFault, faults, minimumLength, maximumLength, terms } =
        view as PageViews['registerConfirm'];
      const gaps = { minimum: String(minimumLength), maximum: String(maximumLength) };
      return {
        ...(usernameFault ? { usernameFaultText: say(words, `register.fault-${usernameFault}`) } : {}),
        ruleText: say(words, 'newPassword.rule', gaps),
        ...(terms ? { termsText: say(words, 'registerConfirm.terms', { version: terms.version }) } : {}),
        faults: faults.map((code) => ({ code, text: say(words, `newPassword.fault-${code}`, gaps) })),
        summary: answers
          .filter(({ value }) => value !== '')
          .map((answer) => ({
            label: labelOf(answer, words),
            value:
              answer.type === 'date'
                ? sayDay(words, answer.value)
                : textIn(answer.choices?.find(({ value }) => value === answer.value)?.labels ?? {}, words) ||
                  answer.value,
          })),
      };
    }
    case 'registered': {
      const { state } = view as PageViews['registered'];
      const hint = say(words, `registered.${state}-hint`);
      return {
        title: say(words, `registered.${state}-title`),
        message: say(words, `registered.${state}`),
        ...(hint === '' ? {} : { hint }),
      };
    }
    case 'newPassword': {
      const { faults, why, minimumLength, maximumLength } = view as PageViews['newPassword'];
      const gaps = { minimum: String(minimumLength), maximum: String(maximumLength) };
      return {
        ...(why ? { whyText: say(words, `newPassword.why-${why}`) } : {}),
        ruleText: say(words, 'newPassword.rule', gaps),
        faults: faults.map((code) => ({ code, text: say(words, `newPassword.fault-${code}`, gaps) })),
      };
    }
    case 'loggedOut': {
      const { nextName } = view as PageViews['loggedOut'];
      return nextName === undefined ? {} : { nextText: say(words, 'loggedOut.next', { name: nextName }) };
    }
    case 'error':
      return { ...sayError(words, (view as PageViews['error']).code) };
    default:
      return {};
  }
}

/** So few are a reason to have others made. */
const fewRecoveryCodes = 4;

const securityDoneKeys = {
  enrolled: 'security.done-enrolled',
  disabled: 'security.done-disabled',
  forgotten: 'security.done-forgotten',
  'passkey-added': 'security.done-passkey-added',
  'passkey-removed': 'security.done-passkey-removed',
} as const;

const endedKeys = {
  app: 'manage.ended-app',
  session: 'manage.ended-session',
  others: 'manage.ended-others',
  choice: 'manage.ended-choice',
} as const;

/** A tenant's text in the person's language, else in English, else in the first there is. */
function textIn(texts: Readonly<Record<string, string>>, { language }: Words): string {
  const known = (key: string) => (Object.hasOwn(texts, key) ? texts[key] : undefined);
  return known(language) ?? known('en') ?? Object.values(texts)[0] ?? '';
}

function labelOf({ name, labels = {} }: AskedField, words: Words): string {
  return textIn(labels, words) || say(words, `register.${name}`) || name;
}

function askedField(field: AskedField, words: Words): Dressed {
  const { name, type, value, hints = {}, choices = [], fault } = field;
  const hint = textIn(hints, words) || say(words, `register.${name}-hint`);
  return {
    ...field,
    label: labelOf(field, words),
    isChoice: type === 'choice',
    // Mustache looks for what is not there in the page around it.
    hint,
    autocomplete: field.autocomplete ?? 'off',
    fault: fault ?? '',
    faultText: fault === undefined ? '' : say(words, `register.fault-${fault}`),
    inputMode: type === 'email' ? 'email' : type === 'tel' ? 'tel' : '',
    inputType: type === 'date' ? 'date' : type === 'tel' ? 'tel' : type === 'email' ? 'email' : 'text',
    choices: choices.map((choice) => ({
      value: choice.value,
      label: textIn(choice.labels, words) || choice.value,
      selected: choice.value === value,
    })),
  };
}

/** Firefox on Windows, as far as that is known. */
function deviceName(words: Words, browser: string | undefined, system: string | undefined): string {
  if (browser !== undefined && system !== undefined) return say(words, 'manage.device', { browser, system });
  return browser ?? system ?? say(words, 'manage.device-unknown');
}

function contextWords(view: PageViews['context'], words: Words): Dressed {
  const { kind, chosen, choices, total, from, to, search, previous, next, error } = view;
  const more = previous !== undefined || next !== undefined;
  const gaps = { search, from: String(from), to: String(to), total: String(total ?? to) };
  const title = kind === 'patient' ? 'context.title' : `context.title-${kind}`;
  const none = say(words, search === '' ? 'context.nothing' : 'context.none', gaps);
  const found = total === undefined ? 'context.found-many' : 'context.found';
  return {
    title: say(words, title) || say(words, 'context.title-other', { kind: kindName(kind, words) }),
    more,
    moreText: more ? say(words, total === undefined ? 'context.more-open' : 'context.more', gaps) : '',
    noneText: none,
    unavailable: error === 'unavailable',
    searchText: say(words, view.plainSearch ? 'context.search-plain' : 'context.search'),
    narrowed: search !== '' || previous !== undefined,
    foundText: search === '' || error === 'unavailable' ? '' : choices.length === 0 ? none : say(words, found, gaps),
    choices: choices.map((choice) => bannerWords(choice, words)),
    chosen: chosen.map((choice) => ({ ...bannerWords(choice, words), kindName: kindName(choice.kind, words) })),
  };
}

function bannerWords<Banner extends ContextBanner>({ sex, birthDate, ...banner }: Banner, words: Words) {
  return {
    ...banner,
    ...(birthDate === undefined ? {} : { birthDate: sayDay(words, birthDate) }),
    ...(sex === undefined ? {} : { sex: say(words, `sex.${sex.toLowerCase()}`) || sex }),
  };
}

function kindName(kind: string, words: Words): string {
  return say(words, `kind.${kind}`) || kind;
}

function consentWords({ scopes, attestation, rememberedUntil }: PageViews['consent'], words: Words): Dressed {
  const described = scopes.map((scope) => ({ ...scope, ...describeScope(words, scope.value) }));
  const groups = scopeGroups.flatMap((group) => {
    const members = described.filter(({ value }) => groupOf(value) === group);
    return members.length === 0 ? [] : [{ group, groupTitle: say(words, `group.${group}`), scopes: members }];
  });
  return {
    scopes: described,
    groups,
    ...(rememberedUntil === undefined
      ? {}
      : { untilText: say(words, 'consent.until', { date: sayDay(words, rememberedUntil) }) }),
    ...(attestation === undefined ? {} : { attestation: attestationWords(attestation, words) }),
  };
}

function attestationWords(attestation: NonNullable<PageViews['consent']['attestation']>, words: Words): Dressed {
  const date = sayDay(words, attestation.date);
  return { ...attestation, date, dateText: say(words, 'consent.attested', { date }) };
}
