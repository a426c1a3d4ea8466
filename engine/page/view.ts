/**
 * The view model of every page: what the engine says of it. The renderer adds the words of the person's language. Each
 * page is one mustache template of the same name in a skin.
 */

/** Why a page could not be shown. Each is a message `error.<code>`, with `-hint` what to do and `-title` another title. */
export const errorCodes = [
  'client-id-missing',
  'client-unknown',
  'redirect-uri-missing',
  'redirect-uri-mismatch',
  'request-malformed',
  'request-too-large',
  'flow-gone',
  'flow-expired',
  'flow-finished',
  'flow-advanced-elsewhere',
  'form-foreign',
  'nobody-logged-in',
  'link-gone',
  'setup-gone',
  'server-failed',
  'other',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** What a person may end on the page of their access. */
export const endedKinds = ['app', 'session', 'others', 'choice'] as const;

export type EndedKind = (typeof endedKinds)[number];

/** What was just done on the page of the second factor, and what did not work there. */
export const securityDone = ['enrolled', 'disabled', 'forgotten', 'passkey-added', 'passkey-removed'] as const;
export const securityErrors = ['wrong-credentials', 'wrong-code', 'wrong-passkey', 'try-later', 'unavailable'] as const;

/** What did not work on the page of a context: nothing was picked, or the FHIR server does not answer. */
export const contextErrors = ['choose-one', 'unavailable'] as const;

interface Base {
  /** Hidden form field `csrf`. */
  readonly csrf: string;
  /** Where the page's form posts to. */
  readonly action: string;
}

/** What tells a record from its namesakes. */
export interface ContextBanner {
  readonly display: string;
  /** ISO 8601. */
  readonly birthDate?: string;
  readonly sex?: string;
  readonly identifier?: string;
}

/** Terms of service as a form shows them. */
export interface TermsShown {
  readonly version: string;
  readonly text: string;
  /** Whether the tenant has no text of its own, so that the page says that this is a sample. */
  readonly sample: boolean;
}

/** One question of the form of registration, and the answer as it stands. */
export interface AskedField {
  readonly name: string;
  readonly type: 'text' | 'email' | 'tel' | 'date' | 'choice';
  readonly value: string;
  readonly required: boolean;
  readonly maximum: number;
  /** Words of the tenant; those of the skin, `register.<name>`, where absent. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly hints?: Readonly<Record<string, string>>;
  readonly autocomplete?: string;
  readonly choices?: readonly { readonly value: string; readonly labels: Readonly<Record<string, string>> }[];
  /** Message `register.fault-<code>`. */
  readonly fault?: string;
}

export interface PageViews {
  readonly login: Base & {
    readonly clientName: string;
    readonly username: string;
    readonly error?:
      | 'wrong-credentials'
      | 'wrong-passkey'
      | 'denied'
      | 'try-later'
      | 'unavailable'
      | 'provider-denied'
      | 'provider-unavailable';
    readonly passwordForm: boolean;
    /** What the browser needs to log in with a passkey, as JSON, for the script; absent where that is not offered. */
    readonly passkey?: string;
    readonly script?: string;
    /** Where who forgot the password gets another one; absent where the tenant does not offer it. */
    readonly forgotten?: string;
    /** Where who has no account makes one; absent where the tenant does not offer it. */
    readonly register?: string;
    /** Each is a submit button `provider=<id>` of the same form. */
    readonly providers: readonly { readonly id: string; readonly name: string }[];
  };
  /** Field `password`; buttons `do=link`, `do=alone` to log in in another way, and `do=cancel`. */
  readonly existingAccount: Base & {
    readonly clientName: string;
    /** Where the person comes from. */
    readonly providerName: string;
    /** The account that is here already under the name they have there. */
    readonly username: string;
    readonly error?: 'wrong-credentials' | 'try-later';
  };
  /** Asks for an account: fields by the names of `fields`, the empty field `website`, button `do=register`. */
  readonly register: Base & {
    /** The app that the person wants to use, where they come from its log-in. */
    readonly clientName?: string;
    /** Whether the page comes after it was asked for; it then has no form. */
    readonly sent: boolean;
    /** The log-in that the person came from. */
    readonly back?: string;
    readonly error?: 'check-fields' | 'too-fast' | 'form-old' | 'try-later';
    /** The renderer adds `label` and `hint` in the person's language, `faultText`, and `is-<type>`. */
    readonly fields: readonly AskedField[];
    /** The terms of service, where the tenant has some: checkbox `terms=<version>`. */
    readonly terms?: TermsShown & { readonly checked: boolean; readonly missing: boolean };
  };
  /**
   * The link of the mail: fields `password` and `again`, and `username` where it must be another one; buttons
   * `do=create` and `do=discard`.
   */
  readonly registerConfirm: Base & {
    readonly username: string;
    /** Why the name must be another one: somebody has it, or it may be nobody's. */
    readonly usernameFault?: 'taken' | 'username' | 'try-later';
    /** What the person told of themselves. The renderer makes `summary` of it, with `label` and `value`. */
    readonly answers: readonly AskedField[];
    /** The terms that were accepted in the form. */
    readonly terms?: TermsShown;
    readonly minimumLength: number;
    readonly maximumLength: number;
    /** Rules that the password does not meet, as of `newPassword`. */
    readonly faults: readonly string[];
  };
  /** What became of it. */
  readonly registered: {
    readonly state: 'created' | 'pending' | 'known' | 'discarded' | 'refused';
    /** What a script says of why it is refused. */
    readonly reason?: string;
    /** The log-in that the person came from, where it still waits for them. */
    readonly back?: string;
  };
  /** Field `username`, which may be a mail address. */
  readonly forgotten: Base & {
    /** Whether the page comes after it was asked for; it then has no form. */
    readonly sent: boolean;
    /** The log-in that the person came from. */
    readonly back?: string;
  };
  /** After the link of a mail was used, or not. */
  readonly passwordReset: { readonly changed: boolean; readonly back?: string };
  /** Fields `password` and `again`, and `current` where it is asked for; buttons `do=save` and `do=cancel`. */
  readonly newPassword: Base & {
    /** For password managers. */
    readonly username: string;
    /** Why the person must choose another one; absent where they want to. */
    readonly why?: 'asked' | 'expired' | 'reset';
    /** Whether the present password is asked for, as nobody has just proven it. */
    readonly current: boolean;
    readonly minimumLength: number;
    readonly maximumLength: number;
    /** Rules that the last attempt did not meet: `different`, `wrong-current`, `try-later`, or those of the tenant. */
    readonly faults: readonly string[];
  };
  /** Fields `code`, `recovery` and `passkey`, one of them; checkbox `remember`; buttons `do=verify` and `do=cancel`. */
  readonly secondFactor: Base & {
    /** For how long the device may be remembered; 0 where that is not offered. */
    readonly rememberDays: number;
    /** Whether the person has an authenticator app. */
    readonly app: boolean;
    /** What the browser needs to use a passkey, as JSON, for the script; absent where the person has none. */
    readonly passkey?: string;
    /** Hidden field `challenge`, outside of a log-in. */
    readonly challenge?: string;
    readonly script?: string;
    readonly error?: 'wrong-code' | 'wrong-passkey' | 'try-later';
  };
  /**
   * Field `code` with the first code of the app and button `do=confirm`; or, within a log-in, field `newPasskey` and
   * button `do=passkey`; or `do=cancel`.
   */
  readonly secondFactorSetup: Base & {
    /** Whether the person must set one up to go on. */
    readonly required: boolean;
    /** Hidden field `setup`, where the page is not part of a log-in. */
    readonly setup?: string;
    /** For apps without a camera. */
    readonly secret: string;
    /** The address of an image, which stands in the page itself. */
    readonly qrCode: string;
    readonly issuerName: string;
    readonly username: string;
    /** What a browser needs to make a passkey in place of an app. */
    readonly newPasskey?: string;
    readonly script?: string;
    readonly error?: 'wrong-code' | 'wrong-passkey';
  };
  /** Shown once. Button `do=saved`. */
  readonly recoveryCodes: Base & { readonly codes: readonly string[] };
  /**
   * Where nobody has set one up: field `password` where `password` says so, button `do=begin`, or `do=passkey` with the
   * field `newPasskey`. Else the same, or `do=codes`, `do=disable`, or `remove=<id>` of a passkey, with one of the fields
   * `code`, `recovery` and `passkey`; `do=forget` needs none of them. The field `challenge` goes with passkeys.
   */
  readonly security: Base & {
    readonly personName: string;
    readonly manage: string;
    readonly done?: (typeof securityDone)[number];
    readonly error?: (typeof securityErrors)[number];
    /** Whether there is any second factor. */
    readonly enrolled: boolean;
    /** The ISO date since when there is an authenticator app; absent where there is none. */
    readonly since?: string;
    readonly passkeys: readonly {
      readonly id: string;
      readonly browser?: string;
      readonly system?: string;
      /** ISO dates. */
      readonly since: string;
      readonly lastUsed?: string;
    }[];
    /** What the browser needs to make a passkey, and to use one, as JSON, for the script. */
    readonly newPasskey?: string;
    readonly passkey?: string;
    readonly challenge?: string;
    readonly script?: string;
    /** Whether the tenant has the person use one. */
    readonly required: boolean;
    readonly recoveryCodes: number;
    readonly devices: number;
    /** Whether the password is asked for. */
    readonly password: boolean;
  };
  /**
   * Radio `choice=<index>`, hidden field `step`, button `do=back`; a search is a form of its own with the field `search`,
   * sent by GET.
   */
  readonly context: Base & {
    readonly clientName: string;
    /** What is to be chosen: `patient`, `encounter`, or another kind of context. One is asked for after the other. */
    readonly kind: string;
    /** What was chosen on the pages before, of other kinds. */
    readonly chosen: readonly (ContextBanner & { readonly kind: string })[];
    readonly search: string;
    /** Whether there are so many choices that a search helps. */
    readonly searchable: boolean;
    /** Whether it is not said what may be typed: not everything that tells patients apart is searched. */
    readonly plainSearch: boolean;
    /** The address of the script that searches while one types; absent where there is nothing to search. */
    readonly script?: string;
    readonly choices: readonly (ContextBanner & {
      /** A number, or a reference where a search found the record on the FHIR server. */
      readonly index: number | string;
      /** Whether another choice of the list, or of this page of it, has the same name. */
      readonly namesake?: boolean;
      /** Whether the person had it remembered; it then comes first. */
      readonly remembered?: boolean;
      readonly checked: boolean;
    })[];
    /** How many match the search; absent where the FHIR server does not say so. */
    readonly total?: number;
    /** Counted from 1. */
    readonly pageNumber: number;
    /** The places of the first and the last one shown among those that match, counted from 1. */
    readonly from: number;
    readonly to: number;
    /** Addresses of the neighbouring pages, where there are any. */
    readonly previous?: string;
    readonly next?: string;
    readonly required: boolean;
    /** Whether the choice may be remembered by the checkbox `remember`, and whether one is. */
    readonly mayRemember: boolean;
    readonly remember: boolean;
    /** How many choices were made before, and whether the last one may be made anew by the button `do=back`. */
    readonly step: number;
    readonly mayGoBack: boolean;
    /** Whether the person may go on without, by the button `do=skip`. */
    readonly maySkip: boolean;
    readonly error?: (typeof contextErrors)[number];
  };
  /** Buttons `do=accept` and `do=reject`. */
  readonly terms: Base & {
    readonly clientName: string;
    readonly version: string;
    readonly text: string;
    /** Whether the tenant has no text of its own, so that the page says that this is a sample. */
    readonly sample: boolean;
  };
  /** Checkboxes `scope=<value>`; buttons `do=approve` and `do=deny`; checkbox `remember`. */
  readonly consent: Base & {
    readonly clientName: string;
    readonly personName: string;
    readonly contextName?: string;
    /** The renderer adds `title`, `detail` and maybe `warning` to each, and makes `groups` of them. */
    readonly scopes: readonly { readonly value: string; readonly locked: boolean }[];
    readonly mayDecline: boolean;
    readonly offline: boolean;
    readonly remember: boolean;
    /** The ISO date until which a remembered approval lasts. */
    readonly rememberedUntil?: string;
    readonly attestation?: { readonly text: string; readonly date: string; readonly url?: string };
  };
  /** Each app has a button `revoke=<clientId>` and maybe `forget=<clientId>`, each session `end=<id>`, all but this one together `others=end`. */
  readonly manage: Base & {
    readonly personName: string;
    /** What was just ended, where the page comes after that. */
    readonly ended?: EndedKind;
    /** Where the person can log out. */
    readonly logOut: string;
    /** Where they link accounts at providers, if there are any. */
    readonly links?: string;
    /** Where the person can change their password; absent where they have none here. */
    readonly changePassword?: string;
    /** Where the person sets up a second factor; absent where the tenant wants none. */
    readonly security?: string;
    /** Whether the page comes after the password was changed. */
    readonly passwordChanged: boolean;
    readonly apps: readonly {
      readonly clientId: string;
      readonly name: string;
      /** The ISO date of its oldest grant; absent where it has none. */
      readonly since?: string;
      /** The ISO date of the last use the server knows of. */
      readonly lastUsed?: string;
      readonly offline: boolean;
      /** Whether an approval is remembered, so that the app gets tokens without asking. */
      readonly remembered: boolean;
      /** Kinds of context of which a choice is remembered; the renderer makes `choicesText` of them. */
      readonly choices: readonly string[];
      /** The version of the terms of service that were accepted for it, and the ISO date. */
      readonly terms?: { readonly version: string; readonly accepted: string };
      /** The renderer makes titles of them. */
      readonly scopes: readonly string[];
    }[];
    /** This one first, then the newest. */
    readonly sessions: readonly {
      readonly id: string;
      readonly current: boolean;
      /** Which kind of browser and system, as far as they are known. */
      readonly browser?: string;
      readonly system?: string;
      /** ISO dates of the log-in and of the last visit. */
      readonly since: string;
      readonly lastSeen?: string;
    }[];
    /** Whether there are others than this one. */
    readonly others: boolean;
  };
  /** Each provider has a button `link=<id>` or `unlink=<id>`; the field `password` proves who presses it. */
  readonly links: Base & {
    readonly personName: string;
    readonly done?: 'linked' | 'unlinked';
    readonly error?: 'wrong-credentials' | 'try-later' | 'account-taken' | 'denied' | 'unavailable' | 'failed';
    /** False for people who came from a provider: they have no password here. */
    readonly mayLink: boolean;
    /** Back to the apps with access. */
    readonly manage: string;
    readonly providers: readonly {
      readonly id: string;
      readonly name: string;
      readonly linked: boolean;
      /** The ISO date of the link. */
      readonly since?: string;
    }[];
  };
  /** The address that the app registered is where the person goes next, by itself or by a link. */
  readonly loggedOut: {
    /** Pages of the session's apps to show in hidden frames. */
    readonly frames: readonly { readonly src: string; readonly name: string }[];
    readonly next?: string;
    readonly nextName?: string;
  };
  readonly logout: Base & { readonly personName: string };
  /**
   * Errors that must not reach an app by redirect. The renderer adds `title`, `message` and `hint`. `detail` is for
   * developers and in English; `reference` is the request's id.
   */
  readonly error: { readonly code: ErrorCode; readonly detail?: string; readonly reference: string };
}

export type PageName = keyof PageViews;

/**
 * What the form of each page must be able to send, as `name` or `name=value`. Of a page that nothing is sent from the
 * list is empty. `sallyport check` holds the templates of a skin against it.
 */
export const formFields: Readonly<Record<PageName, readonly string[]>> = {
  login: ['csrf', 'username', 'password', 'do=login', 'provider'],
  existingAccount: ['csrf', 'password', 'do=link', 'do=alone'],
  register: ['csrf', 'website', 'do=register'],
  registerConfirm: ['csrf', 'username', 'password', 'again', 'do=create', 'do=discard'],
  registered: [],
  forgotten: ['csrf', 'username'],
  passwordReset: [],
  newPassword: ['csrf', 'current', 'password', 'again', 'do=save'],
  secondFactor: ['csrf', 'code', 'recovery', 'passkey', 'challenge', 'remember', 'do=verify', 'do=cancel'],
  secondFactorSetup: ['csrf', 'setup', 'code', 'newPasskey', 'do=confirm', 'do=passkey', 'do=cancel'],
  recoveryCodes: ['csrf', 'do=saved'],
  security: [
    'csrf',
    'password',
    'do=begin',
    'do=passkey',
    'newPasskey',
    'passkey',
    'challenge',
    'code',
    'recovery',
    'do=codes',
    'do=disable',
    'do=forget',
    'remove',
  ],
  context: ['csrf', 'step', 'choice', 'remember', 'do=choose', 'do=skip', 'do=back', 'do=cancel', 'search'],
  terms: ['csrf', 'do=accept', 'do=reject'],
  consent: ['csrf', 'scope', 'remember', 'do=approve', 'do=deny'],
  manage: ['csrf', 'revoke', 'forget', 'end', 'others=end'],
  links: ['csrf', 'password', 'link', 'unlink'],
  logout: ['csrf', 'do=logout'],
  loggedOut: [],
  error: [],
};

/** Mails to people: messages `mail.<name>-subject` and `mail.<name>-text`. */
export const mailNames = [
  'reset',
  'register',
  'registerKnown',
  'registerPending',
  'registerApproved',
  'registerRefused',
  'registrationsWait',
  'accountChanged',
] as const;

export type MailName = (typeof mailNames)[number];

/** What the mail `accountChanged` tells of: messages `mail.change-<name>`. */
export const accountChanges = [
  'password-changed',
  'password-set',
  'app-added',
  'factor-removed',
  'factor-reset',
  'codes-renewed',
  'code-used',
  'passkey-added',
  'passkey-removed',
  'account-linked',
  'account-unlinked',
] as const;

export type AccountChange = (typeof accountChanges)[number];

export interface PageRenderer {
  /** A complete HTML document in the tenant's skin and the best of the wanted languages. */
  render<P extends PageName>(
    tenant: {
      readonly id: string;
      readonly name: string;
      readonly issuer: string;
      readonly skin: string;
      readonly folder: string;
    },
    page: P,
    view: PageViews[P],
    languages: readonly string[],
  ): string;
  /** A mail in the tenant's words: `mail.<name>-subject` and `mail.<name>-text`, whose paragraphs stand between empty lines. `{duration}` is the gap of `seconds`, `{time}` of `at`, an instant in milliseconds, and `{change}` the sentence of an `AccountChange`. */
  mail(
    tenant: {
      readonly id: string;
      readonly name: string;
      readonly issuer: string;
      readonly skin: string;
      readonly folder: string;
    },
    name: MailName,
    gaps: Readonly<Record<string, string>>,
    languages: readonly string[],
  ): { readonly subject: string; readonly text: string; readonly html: string };
  /** A static file of a skin (stylesheet, logo), or undefined. */
  asset(
    tenant: { readonly skin: string; readonly folder: string },
    name: string,
  ): { readonly type: string; readonly body: Buffer } | undefined;
  /** The languages that a skin has messages of, its own and the default's, in alphabetical order. */
  languages(tenant: { readonly skin: string; readonly folder: string }): readonly string[];
}
