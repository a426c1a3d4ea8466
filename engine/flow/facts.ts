/**
 * What a flow knows at each stage. A stage extends the one before it, so a state that is entered too early does not
 * compile (see `table.ts`). Everything here is JSON and is persisted at each wait; no secret, code or token is in it,
 * but for a provider's, encrypted, until the session is made, and those of a second factor that is being set up.
 */
import type { ContextChoice, UserSessionModel } from '../script/model.ts';
import type { Json } from '../script/runner.ts';
import type { ScriptSnapshot } from '../script/version/registry.ts';
import type { Device, Proof } from '../store/store.ts';
import type { User } from '../tenant/tenant.ts';
import type { SamlAnswer } from './ports.ts';

/** The authorization request (RFC 6749 section 4.1.1, SMART App Launch section 2.0.8, OpenID Connect Core section 3.1.2.1). */
export interface AuthorizationRequest {
  /** Without `id_token_hint`, which is a token. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Why the request cannot be read; `parameters` then hold only what says whom to tell. */
  readonly malformed?: string;
  /** Whom `id_token_hint` names. */
  readonly hintedUsername?: string;
  readonly remoteAddress: string;
  /** SHA-256 of the cookie that binds the flow to one browser. */
  readonly browserHash: string;
  /** SHA-256 of the session cookie the browser presented. */
  readonly sessionIdHash?: string;
  readonly device?: Device;
  /** A random value of this flow, of which the challenges for passkeys are made. */
  readonly challenge?: string;
  /** SHA-256 of the cookie by which the device is remembered. */
  readonly rememberedHash?: string;
}

/** Where the app wants its answer; known as soon as client and redirect URI were found to belong together. */
export interface ReplyTo {
  readonly redirectUri: string;
  readonly state?: string;
}

export interface Received {
  readonly request: AuthorizationRequest;
  /** The versions of scripts it runs, as they stood when it began. */
  readonly scripts?: ScriptSnapshot;
}

export type ProviderProblem = 'provider-denied' | 'provider-unavailable';

export interface Validated extends Received {
  readonly clientId: string;
  readonly replyTo: ReplyTo;
  readonly requestedScopes: readonly string[];
  /** Requested and allowed to this client, plus what it is granted automatically. */
  readonly grantableScopes: readonly string[];
  readonly audience: string;
  readonly prompt: readonly string[];
  readonly maximumAgeSeconds?: number;
  readonly codeChallenge?: string;
  readonly nonce?: string;
  readonly launch?: string;
  /** The user an EHR launch was made for; the log-in must be theirs. */
  readonly launchUsername?: string;
  /** Why the person is back from a provider, for the log-in page to say. */
  readonly providerProblem?: ProviderProblem;
  /** The provider's account that becomes the person's own when their session begins. */
  readonly linkWanted?: LinkWanted;
}

/** Who logged in at a provider, under the name of an account that is here already. */
export interface LinkWanted {
  readonly providerId: string;
  readonly subject: string;
  readonly username: string;
}

export interface ExistingFound extends Validated {
  readonly linkWanted: LinkWanted;
}

/** A person proved who they are to an inbound module; no session exists yet. */
export interface Identified extends Validated {
  readonly moduleId: string;
  readonly claims: Readonly<Record<string, Json>>;
  readonly userId?: string;
  readonly proof: Proof;
  /** SHA-256 of the stored hash that the person's password was compared with, or in whose place they used a passkey. */
  readonly passwordProof?: string;
  /** As whom a module other than the local one knows the person: their account is kept when the log-in is allowed. */
  readonly external?: { readonly provider: string; readonly subject: string };
  readonly session: UserSessionModel;
}

/** It is known who the person is; whether what they proved is enough is still to be found out. */
export interface PersonKnown extends Validated {
  readonly userId: string;
  readonly session: UserSessionModel;
  readonly claims: Readonly<Record<string, Json>>;
  readonly proof: Proof;
  readonly passwordProof?: string;
  /** The person wants the device remembered. */
  readonly rememberDevice?: boolean;
  /** The session that is to prove more than it does, in place of a new one. */
  readonly steppingUp?: { readonly sessionIdHash: string; readonly authenticatedAt: number };
}

export interface ProviderChosen extends Validated {
  readonly providerId: string;
}

export interface AtProvider extends ProviderChosen {
  readonly pending: { readonly state: string; readonly nonce: string; readonly codeVerifier: string };
  /** Epoch milliseconds. */
  readonly askedAt: number;
  readonly samlAnswer?: StoredSamlAnswer;
}

/** The answer of a SAML provider, and the hash of the handle by which the person's browser comes for it. */
export interface StoredSamlAnswer {
  readonly handleHash: string;
  readonly answer: SamlAnswer;
}

export interface ProviderAnswered extends ProviderChosen {
  readonly subject: string;
  readonly claims: Readonly<Record<string, Json>>;
  /** What the session is to keep of the provider's tokens, encrypted. */
  readonly providerTokens?: string;
}

export interface ProviderUserNamed extends ProviderAnswered {
  readonly moduleId: string;
  readonly userId?: string;
  readonly session: UserSessionModel;
}

/** Somebody who is logged in, and has just proved it, wants to log in by a provider's account as well. */
export interface LinkAsked {
  readonly request: Pick<AuthorizationRequest, 'remoteAddress' | 'browserHash' | 'sessionIdHash'>;
  readonly userId: string;
  readonly providerId: string;
}

export interface LinkPending extends LinkAsked, Pick<AtProvider, 'pending' | 'samlAnswer'> {}

export interface LinkAnswered extends LinkAsked {
  readonly subject: string;
}

/** Somebody who registered has proven the mail address and chosen a password. Never persisted: there is no wait. */
export interface RegistrationConfirmed {
  readonly request: Pick<AuthorizationRequest, 'remoteAddress'>;
  /** The app the person came from. Callbacks bound to it do not judge: who registers could choose another one. */
  readonly fromClientId?: string;
  /** SHA-256 of the link's handle. */
  readonly linkHash: string;
  /** The account as the tenant makes it for everybody. */
  readonly newUser: User & { readonly email: string };
  /** The same as scripts see it. */
  readonly session: UserSessionModel;
  readonly origin: { readonly flow?: string; readonly languages: readonly string[] };
  /** The version of the terms that was accepted in the form. */
  readonly acceptedTerms?: string;
}

/** The person has a session with the authorization server. */
export interface Authenticated extends Validated {
  readonly userId: string;
  readonly session: UserSessionModel;
  readonly sessionIdHash: string;
  readonly proof: Proof;
  /** Epoch milliseconds. */
  readonly authenticatedAt: number;
}

/** What the launch, the user's defaults or the script say about context, before anyone is asked. */
export interface ContextPrepared extends Authenticated {
  readonly launchParameters: Readonly<Record<string, Json>>;
  readonly choices: readonly ContextChoice[];
  readonly contextRequired: boolean;
  /** What was chosen so far, in this order; it stands in `launchParameters` as well. */
  readonly chosen?: readonly ContextChoice[];
  /** The number of the first of `choices`. None is used twice in a flow, so what an old page sends chooses nothing else. */
  readonly firstChoice?: number;
  /** Numbers below this one were used before the person went back. */
  readonly numbered?: number;
  /** The kind that is searched on the FHIR server; absent where the choices are the script's. */
  readonly searching?: string | undefined;
  /** The kinds of which the script has offered choices. */
  readonly offeredKinds?: readonly string[];
  /** The kinds that the person goes on without. */
  readonly skippedKinds?: readonly string[];
  /** How things stood at each page on which the person chose, for a way back. */
  readonly past?: readonly PastPage[];
  /** How many choices were made when the script was asked last. */
  readonly chosenBefore?: number;
  /** The launch handle is the EHR's own: what it stands for is known only when `onTokenGenerating` has resolved it. */
  readonly foreignLaunch?: boolean;
}

/** `choices` are absent while they are still those of the flow. */
export type PastPage = Required<
  Pick<
    ContextPrepared,
    'launchParameters' | 'session' | 'contextRequired' | 'chosen' | 'chosenBefore' | 'offeredKinds' | 'skippedKinds'
  >
> &
  Partial<Pick<ContextPrepared, 'choices' | 'firstChoice'>>;

export interface ContextKnown extends Authenticated {
  readonly launchParameters: Readonly<Record<string, Json>>;
  readonly contextName?: string;
}

export interface Approved extends ContextKnown {
  readonly approvedScopes: readonly string[];
}

export interface CodeIssued extends Approved {
  readonly grantId: string;
}

/** Everything a token will hold, complete before anything is signed. */
export interface Grant {
  readonly id: string;
  /** When the app first got tokens by it, epoch milliseconds. */
  readonly startedAt?: number;
  readonly clientId: string;
  readonly grantType: string;
  readonly requestedScopes: readonly string[];
  readonly approvedScopes: readonly string[];
  /** What a refresh token stands for where this access token may be narrower (RFC 6749 section 6). */
  readonly refreshScopes?: readonly string[];
  readonly audience: string;
  readonly session: UserSessionModel | null;
  readonly userId?: string;
  readonly sessionIdHash?: string;
  readonly subject: string;
  readonly authenticatedAt?: number;
  /** How the person proved who they are (RFC 8176), and what that amounts to. */
  readonly amr?: readonly string[];
  readonly acr?: string;
  readonly nonce?: string;
  readonly launch?: string;
  readonly launchParameters: Readonly<Record<string, Json>>;
  readonly requestParameters: Readonly<Record<string, string>>;
  readonly accessTokenClaims: Readonly<Record<string, Json>>;
  readonly idTokenClaims: Readonly<Record<string, Json>>;
  /** CODAP only. */
  readonly requestingPractitioner?: Json;
  readonly reasonForRequest?: string;
  /** Whether a refresh token may be issued, and for how long it was granted. */
  readonly refresh: 'none' | 'online' | 'offline';
  /** Epoch milliseconds; a rotated refresh token keeps the family's end. */
  readonly refreshUntil?: number;
}

export interface Granted {
  readonly grant: Grant;
}

export interface Minted extends Granted {
  /** Never persisted. */
  readonly accessToken: string;
  /** What the token says and what stands beside it in the response; never persisted with the flow. */
  readonly tokenContents: {
    readonly claims: Readonly<Record<string, Json>>;
    readonly launchParameters: Readonly<Record<string, Json>>;
  };
}

/** What a client presents at the token endpoint. Never persisted. */
export interface TokenRequest {
  readonly parameters: Readonly<Record<string, string>>;
  readonly authorization?: string;
  readonly remoteAddress: string;
}

export interface TokenRequested {
  readonly tokenRequest: TokenRequest;
}

export interface ClientAuthenticated extends TokenRequested {
  readonly clientId: string;
  readonly method: string;
  readonly assertion?: {
    readonly header: Readonly<Record<string, Json>>;
    readonly claims: Readonly<Record<string, Json>>;
  };
}

export interface CodapVerified extends ClientAuthenticated {
  readonly issuer: string;
  readonly authorization: {
    readonly header: Readonly<Record<string, Json>>;
    readonly claims: Readonly<Record<string, Json>>;
  };
  readonly requestedScopes: readonly string[];
  readonly grantableScopes: readonly string[];
}

export interface CodapAuthorized extends CodapVerified {
  readonly session: UserSessionModel;
}
