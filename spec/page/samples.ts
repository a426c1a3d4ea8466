/** One full sample of every page. `text` stands wherever people or apps supply the words. */
import type { PageViews } from '../../engine/page/view.ts';

export function samplePages(text: string): PageViews {
  const form = { csrf: text, action: text };
  return {
    login: {
      ...form,
      clientName: text,
      username: text,
      error: 'wrong-credentials',
      passwordForm: true,
      providers: [{ id: text, name: text }],
    },
    newPassword: {
      ...form,
      username: text,
      why: 'expired',
      current: true,
      minimumLength: 8,
      faults: ['too-short', 'names-you'],
    },
    context: {
      ...form,
      clientName: text,
      search: text,
      searchable: true,
      choices: [
        { index: 0, display: text, birthDate: text, sex: text, identifier: text, checked: true },
        { index: 1, display: text, checked: false },
      ],
      total: 120,
      required: true,
      error: 'choose-one',
    },
    terms: { ...form, clientName: text, version: text, text },
    consent: {
      ...form,
      clientName: text,
      personName: text,
      contextName: text,
      scopes: [
        { value: 'openid', locked: true },
        { value: 'patient/*.rs', locked: false },
        { value: text, locked: false },
      ],
      mayDecline: true,
      offline: true,
      remember: true,
      attestation: { text, date: text, url: text },
    },
    manage: {
      ...form,
      personName: text,
      ended: true,
      logOut: text,
      links: text,
      changePassword: text,
      passwordChanged: true,
      apps: [
        { clientId: text, name: text, since: text, offline: true, remembered: true, terms: true, scopes: [text] },
        { clientId: text, name: text, offline: false, remembered: false, terms: true, scopes: [] },
      ],
    },
    links: {
      ...form,
      personName: text,
      done: 'linked',
      error: 'wrong-credentials',
      mayLink: true,
      manage: text,
      providers: [
        { id: text, name: text, linked: true, since: text },
        { id: text, name: text, linked: false },
      ],
    },
    logout: { ...form, personName: text },
    loggedOut: {},
    error: { code: 'request-malformed', detail: text, reference: text },
  };
}
