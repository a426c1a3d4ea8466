/** The view model of every page: what a template may show. Each page is one mustache template of the same name in a skin. */
interface Base {
  /** Hidden form field `csrf`. */
  readonly csrf: string;
  /** Where the page's form posts to. */
  readonly action: string;
}

export interface PageViews {
  readonly login: Base & {
    readonly clientName: string;
    readonly username: string;
    readonly error?: 'wrong-credentials' | 'denied' | 'try-later';
    readonly passwordForm: boolean;
    /** Each is a submit button `provider=<id>` of the same form. */
    readonly providers: readonly { readonly id: string; readonly name: string }[];
  };
  /** Radio `choice=<index>`; optional search field `search`, submitted by its own button `do=search`. */
  readonly context: Base & {
    readonly clientName: string;
    readonly search: string;
    readonly choices: readonly {
      readonly index: number;
      readonly display: string;
      readonly birthDate?: string;
      readonly sex?: string;
      readonly identifier?: string;
      readonly checked: boolean;
    }[];
    readonly total: number;
    readonly required: boolean;
    readonly error?: 'choose-one';
  };
  /** Buttons `do=accept` and `do=reject`. */
  readonly terms: Base & { readonly clientName: string; readonly version: string; readonly text: string };
  /** Checkboxes `scope=<value>`; buttons `do=approve` and `do=deny`; checkbox `remember`. */
  readonly consent: Base & {
    readonly clientName: string;
    readonly personName: string;
    readonly contextName?: string;
    readonly scopes: readonly {
      readonly value: string;
      readonly title: string;
      readonly detail: string;
      readonly warning?: string;
      readonly locked: boolean;
    }[];
    readonly mayDecline: boolean;
    readonly offline: boolean;
    readonly remember: boolean;
    readonly attestation?: { readonly text: string; readonly date: string; readonly url?: string };
  };
  /** Each app has a button `revoke=<clientId>`. */
  readonly manage: Base & {
    readonly personName: string;
    readonly apps: readonly {
      readonly clientId: string;
      readonly name: string;
      readonly since: string;
      readonly offline: boolean;
      readonly scopes: readonly string[];
    }[];
  };
  readonly loggedOut: { readonly message: string; readonly link?: string };
  readonly logout: Base & { readonly personName: string };
  /** Errors that must not reach an app by redirect. `reference` is the flow's or request's id. */
  readonly error: {
    readonly title: string;
    readonly message: string;
    readonly hint?: string;
    readonly reference: string;
  };
}

export type PageName = keyof PageViews;

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
  /** A static file of a skin (stylesheet, logo), or undefined. */
  asset(
    tenant: { readonly skin: string; readonly folder: string },
    name: string,
  ): { readonly type: string; readonly body: Buffer } | undefined;
}
