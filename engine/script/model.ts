/**
 * What crosses the boundary for each hook: `Input` is what the engine hands to the realm, `Effect` what the callback did
 * to it, as the realm recorded it. Both are plain JSON. The realm dresses the inputs as the models that
 * Smile CDR scripts know (`theUserSession.addAuthority(...)`); names are listed in docs/script-api.md.
 */
import type { Authority, LaunchContext } from '../tenant/tenant.ts';
import type { HookName, Json } from './runner.ts';

export interface FhirContextEntry {
  readonly reference: string;
  readonly role?: string;
}

/** `theUserSession`. */
export interface UserSessionModel {
  readonly username: string;
  readonly external: boolean;
  readonly givenName?: string;
  readonly familyName?: string;
  readonly email?: string;
  readonly notes?: string;
  readonly fhirUserUrl?: string;
  readonly authorities: readonly Authority[];
  readonly defaultLaunchContexts: readonly LaunchContext[];
  /** `resourceType` as in `patient`, lower case; `resourceId` without its type. */
  readonly launchResourceIds: readonly { readonly resourceType: string; readonly resourceId: string }[];
  readonly fhirContext: readonly FhirContextEntry[];
  readonly userData: Readonly<Record<string, Json>>;
}

/** What a callback left of the session: the whole model again, so that the engine can compare and validate it. */
export type UserSessionEffect = UserSessionModel;

export interface FailureEffect {
  readonly message?: string;
  readonly unknownUsername?: boolean;
  readonly incorrectPassword?: boolean;
}

/** `theAuthorizationRequestDetails`. */
export interface RequestDetailsModel {
  readonly clientId: string;
  readonly memberId?: string;
  readonly grantType: string;
  readonly launch?: string;
  readonly audience?: string;
  readonly requestedScopes: readonly string[];
  readonly approvedScopes: readonly string[];
  /** Only allow-listed names. */
  readonly requestParameters: Readonly<Record<string, string>>;
}

export interface ClientDetailsModel {
  readonly clientId: string;
  readonly clientName: string;
  readonly scopes: readonly string[];
  readonly grantTypes: readonly string[];
  readonly permissions: readonly Authority[];
}

export interface ContextChoice {
  readonly contextType: string;
  readonly resourceId: string;
  readonly display: string;
  readonly birthDate?: string;
  readonly sex?: string;
  readonly identifier?: string;
  readonly launchParameters?: Readonly<Record<string, Json>>;
}

export interface SignedTokenModel {
  readonly header: Readonly<Record<string, Json>>;
  readonly claims: Readonly<Record<string, Json>>;
}

export interface CodapRequestModel {
  readonly authenticationToken: SignedTokenModel;
  readonly authorizationToken: SignedTokenModel;
  readonly requestingPractitioner: Json;
  readonly requestedRecord: Json;
  readonly requestedScopes: readonly string[];
  readonly reasonForRequest: string;
  readonly acr: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly remoteAddress: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a person typed in, for a scripted log-in module. */
export interface PasswordRequestModel {
  readonly username: string;
  readonly password: string;
  readonly remoteAddress: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface HookModels {
  readonly onAuthenticateSuccess: {
    readonly input: {
      readonly session: UserSessionModel;
      readonly context: {
        readonly moduleId: string;
        readonly startTime: string;
        readonly remoteAddress: string;
        readonly claims: Readonly<Record<string, Json>>;
        readonly approvedScopes: readonly string[];
      };
    };
    /** A returned failure object denies; returning nothing, the session or a success accepts. */
    readonly effect: { readonly session: UserSessionEffect; readonly failure?: FailureEffect };
  };
  readonly getUserName: {
    readonly input: {
      readonly claims: Readonly<Record<string, Json>>;
      readonly server: { readonly id: string; readonly name: string; readonly issuer: string };
    };
    readonly effect: { readonly username: string };
  };
  readonly authenticate: {
    /** A partner organisation's request, or what a person typed in. */
    readonly input: { readonly request: CodapRequestModel | PasswordRequestModel };
    /** A success starts from an empty session that the script fills; anything but a success object denies. */
    readonly effect: { readonly session?: UserSessionEffect; readonly failure?: FailureEffect };
  };
  readonly onSmartLoginPreContextSelection: {
    readonly input: {
      readonly session: UserSessionModel;
      readonly choices: readonly ContextChoice[];
      readonly required: boolean;
    };
    readonly effect: {
      readonly session: UserSessionEffect;
      readonly choices: readonly ContextChoice[];
      readonly required: boolean;
    };
  };
  readonly onTokenGenerating: {
    readonly input: {
      readonly session: UserSessionModel | null;
      readonly request: RequestDetailsModel;
      readonly client: ClientDetailsModel;
    };
    readonly effect: {
      readonly session: UserSessionEffect | null;
      readonly accessTokenClaims: Readonly<Record<string, Json>>;
      readonly idTokenClaims: Readonly<Record<string, Json>>;
      readonly launchParameters: Readonly<Record<string, Json>>;
      readonly approvedScopes: readonly string[];
    };
  };
  readonly onSelfRegistration: {
    readonly input: {
      readonly session: UserSessionModel;
      readonly context: {
        readonly startTime: string;
        readonly remoteAddress: string;
        readonly phone: string | null;
        readonly clientId: string | null;
      };
    };
    /** A returned failure object refuses; returning nothing or the session accepts. */
    readonly effect: { readonly session: UserSessionEffect; readonly failure?: FailureEffect };
  };
  readonly onPostAuthorize: {
    readonly input: {
      readonly clientId: string;
      readonly username?: string;
      readonly grantType: string;
      /** The token's value, or a mask where the tenant does not allow scripts to see it. */
      readonly accessToken: string;
      readonly grantedScopes: readonly string[];
      readonly claims: Readonly<Record<string, Json>>;
      readonly launchParameters: Readonly<Record<string, Json>>;
      readonly requestingPractitioner?: Json;
    };
    readonly effect: Readonly<Record<string, never>>;
  };
}

export type HookInput<H extends HookName> = HookModels[H]['input'];
export type HookEffect<H extends HookName> = HookModels[H]['effect'];
