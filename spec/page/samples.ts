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
    context: {
      ...form,
      clientName: text,
      search: text,
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
        { value: 'openid', title: text, detail: text, locked: true },
        { value: 'patient/*.rs', title: text, detail: text, warning: text, locked: false },
      ],
      mayDecline: true,
      offline: true,
      remember: true,
      attestation: { text, date: text, url: text },
    },
    manage: {
      ...form,
      personName: text,
      apps: [{ clientId: text, name: text, since: text, offline: true, scopes: [text] }],
    },
    logout: { ...form, personName: text },
    loggedOut: { message: text, link: text },
    error: { title: text, message: text, hint: text, reference: text },
  };
}
