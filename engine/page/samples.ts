/** One full sample of every page, for the preview of skins and for the specs. Everybody in them is made up. */
import type { PageViews } from './view.ts';

/**
 * @param text stands wherever people or apps supply the words; words as they are met in practice where absent.
 * @param action where the pages' forms lead.
 */
export function samplePages(text?: string, action = text ?? '#'): PageViews {
  const or = (sample: string) => text ?? sample;
  const form = { csrf: or('sample'), action };
  const app = { clientName: or('Growth Chart') };
  return {
    login: {
      ...form,
      ...app,
      username: or('jane'),
      error: 'wrong-credentials',
      passwordForm: true,
      forgotten: or(action),
      providers: [{ id: or('partner'), name: or('Partner Hospital') }],
    },
    existingAccount: {
      ...form,
      ...app,
      providerName: or('Partner Hospital'),
      username: or('jane'),
      error: 'wrong-credentials',
    },
    forgotten: { ...form, sent: false, back: or(action) },
    passwordReset: { changed: true, back: or(action) },
    newPassword: {
      ...form,
      username: or('jane'),
      why: 'expired',
      current: true,
      minimumLength: 8,
      faults: ['too-short', 'names-you'],
    },
    context: {
      ...form,
      ...app,
      kind: or('encounter'),
      chosen: [
        {
          kind: or('patient'),
          display: or('Amina Okafor'),
          birthDate: or('1984-06-02'),
          sex: or('female'),
          identifier: or('MRN-20417'),
        },
      ],
      search: or('okafor'),
      searchable: true,
      choices: [
        {
          index: 0,
          display: or('Amina Okafor'),
          birthDate: or('1984-06-02'),
          sex: or('female'),
          identifier: or('MRN-20417'),
          namesake: true,
          remembered: true,
          checked: true,
        },
        {
          index: 1,
          display: or('Amina Okafor'),
          birthDate: or('2016-11-23'),
          sex: or('female'),
          identifier: or('MRN-31884'),
          namesake: true,
          checked: false,
        },
        { index: 2, display: or('Chidi Okafor-Lindqvist'), checked: false },
      ],
      total: 120,
      pageNumber: 2,
      from: 51,
      previous: or(action),
      next: or(action),
      required: true,
      mayRemember: true,
      remember: true,
      error: 'choose-one',
    },
    terms: {
      ...form,
      ...app,
      version: or('2026-01'),
      text: or(
        'The record is shown as it was written by those who treated the person. It may be incomplete, and it does not replace the advice of a physician or a nurse.\n\nDo not share what you see with anybody who may not see it.',
      ),
      sample: false,
    },
    consent: {
      ...form,
      ...app,
      personName: or('Jane Doe'),
      contextName: or('Amina Okafor'),
      scopes: [
        { value: 'openid', locked: true },
        { value: 'fhirUser', locked: false },
        { value: 'launch/patient', locked: true },
        { value: 'patient/*.rs', locked: false },
        { value: 'patient/Observation.rs?category=laboratory', locked: false },
        { value: 'user/Appointment.cruds', locked: false },
        { value: 'offline_access', locked: false },
        { value: or('https://hospital.example/scopes/registry'), locked: false },
      ],
      mayDecline: true,
      offline: true,
      remember: true,
      rememberedUntil: or('2027-01-15'),
      attestation: {
        text: or('We never sell what we see. We delete everything thirty days after you leave us.'),
        date: or('2026-01-15'),
        url: or('https://app.example/promise'),
      },
    },
    manage: {
      ...form,
      personName: or('Jane Doe'),
      ended: 'app',
      logOut: or(action),
      links: or(action),
      changePassword: or(action),
      passwordChanged: true,
      apps: [
        {
          clientId: or('growth-chart'),
          name: or('Growth Chart'),
          since: or('2026-01-15'),
          lastUsed: or('2026-11-02'),
          offline: true,
          remembered: true,
          choices: [or('patient'), or('encounter')],
          terms: { version: or('2026-01'), accepted: or('2026-01-15') },
          scopes: [or('patient/*.rs'), or('offline_access')],
        },
        {
          clientId: or('diary'),
          name: or('Pain Diary'),
          offline: false,
          remembered: false,
          choices: [],
          terms: { version: or('2026-01'), accepted: or('2026-01-15') },
          scopes: [],
        },
      ],
      sessions: [
        {
          id: or('current'),
          current: true,
          browser: or('Firefox'),
          system: or('Windows'),
          since: or('2026-11-02'),
          lastSeen: or('2026-11-02'),
        },
        { id: or('other'), current: false, since: or('2026-10-28') },
      ],
      others: true,
    },
    links: {
      ...form,
      personName: or('Jane Doe'),
      done: 'linked',
      error: 'wrong-credentials',
      mayLink: true,
      manage: or(action),
      providers: [
        { id: or('partner'), name: or('Partner Hospital'), linked: true, since: or('2026-01-15') },
        { id: or('city'), name: or('City Health Network'), linked: false },
      ],
    },
    logout: { ...form, personName: or('Jane Doe') },
    loggedOut: { frames: [], next: or(action), nextName: or('Growth Chart') },
    error: {
      code: 'request-malformed',
      detail: or('The parameter client_id is repeated.'),
      reference: or('gX2v9Qm1kLpT'),
    },
  };
}
