/** What a flow needs of the world. The composition root and the simulator each supply their own. */
import type { ContextChoice } from '../script/model.ts';
import type { LogLine, ScriptRunner } from '../script/runner.ts';
import type { ChosenScript, ScriptSnapshot } from '../script/version/registry.ts';
import type { ShadowTrial } from '../script/version/shadow.ts';
import type { ScriptSlot } from '../tenant/scripts.ts';
import type { Vouched } from '../identity/vouching.ts';
import type { LogInResult } from '../identity/password-log-in.ts';
import type { AuditEvent, Device, Store } from '../store/store.ts';
import type { Keyring } from '../key/keyring.ts';
import type {
  Client,
  ContextSearch,
  FhirServer,
  Jwk,
  Provider,
  SigningAlgorithm,
  Tenant,
  User,
} from '../tenant/tenant.ts';
import type { TokenRequest } from './facts.ts';
import type { Trace } from './trace.ts';

export interface VerifiedAssertion {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

export interface IdentityPort {
  /** Checks a user name and a password with the tenant's inbound modules. One reason for every kind of wrong credential. */
  authenticate(input: {
    readonly tenant: Tenant;
    readonly username: string;
    readonly password: string;
    readonly remoteAddress: string;
    /** The versions of scripts that the flow began with. */
    readonly scripts?: ScriptSnapshot;
    /** Only passwords that are kept here: for whoever is to prove theirs before it is changed. */
    readonly localOnly?: boolean;
  }): Promise<LogInResult>;
  /** Whether the log-in module that a person belongs to still has them. Always `yes` of those who belong to none. */
  vouchesFor(user: User): Promise<Vouched>;
}

/** What a provider posted, verified; it waits with the flow until the person's own browser comes for it. */
export type SamlAnswer =
  | {
      readonly ok: true;
      readonly subject: string;
      readonly claims: Readonly<Record<string, unknown>>;
      /** What the end of the session there needs, encrypted as tokens are. */
      readonly tokens?: string;
    }
  | { readonly ok: false; readonly code: 'denied' | 'provider-error' | 'invalid-response'; readonly message: string };

/** A message of a SAML provider about log-out, verified. */
export type SamlLogOut =
  | {
      readonly kind: 'request';
      readonly requestId: string;
      readonly subject: string;
      /** The sessions that are meant; all of the person's where there are none. */
      readonly sessionIndexes: readonly string[];
      readonly relayState?: string;
    }
  | {
      readonly kind: 'response';
      readonly inResponseTo: string;
      readonly succeeded: boolean;
      readonly relayState?: string;
    }
  | { readonly kind: 'refused'; readonly message: string };

/** What people prove besides their password. Instants are epoch milliseconds. */
export interface SecondFactorPort {
  isEnrolled(tenant: Tenant, userId: string, now: number): Promise<boolean>;
  /** A new secret, encrypted: it is for this person, and counts for a while only. */
  beginSetup(tenant: Tenant, userId: string, now: number): Promise<string>;
  /** What an app needs of the secret, as text and as the address of an image; undefined where it counts no longer. */
  showSetup(
    tenant: Tenant,
    user: Pick<User, 'id' | 'username'>,
    setup: string,
    now: number,
  ): Promise<{ readonly secret: string; readonly qrCode: string } | undefined>;
  /** The time step of a code that the new secret makes; undefined for every other code. */
  checkSetup(tenant: Tenant, userId: string, setup: string, typed: string, now: number): Promise<number | undefined>;
  /**
   * Keeps the secret whose code was right. Answers the recovery codes, to be shown once; undefined where the person has
   * an authenticator already, or the secret counts no longer.
   */
  enrol(
    tenant: Tenant,
    userId: string,
    setup: string,
    step: number,
    now: number,
  ): Promise<readonly string[] | undefined>;
  /** Uses a code of the app up, or a recovery code. Failures are counted and lock, as for passwords. */
  verify(input: {
    readonly tenant: Tenant;
    readonly userId: string;
    readonly typed: string;
    readonly remoteAddress: string;
    readonly now: number;
  }): Promise<
    | { readonly ok: true; readonly recovery?: boolean }
    | { readonly ok: false; readonly reason: 'wrong-code' | 'try-later' }
  >;
  /**
   * What a browser needs to make a passkey, as JSON; undefined where browsers know none at the tenant's address.
   * @param challenge 32 bytes, base64url: what it signs, once.
   */
  passkeyCreation(
    tenant: Tenant,
    user: Pick<User, 'id' | 'username' | 'givenName' | 'familyName'>,
    challenge: string,
  ): Promise<string | undefined>;
  /** What it needs to use one: of this person, or of whoever has one, where `userId` is absent. */
  passkeyRequest(tenant: Tenant, userId: string | undefined, challenge: string): Promise<string | undefined>;
  /**
   * Keeps a passkey that a browser made. Answers the recovery codes that came with it, to be shown once, where the person
   * had none; undefined where it is no answer to this challenge.
   */
  addPasskey(input: {
    readonly tenant: Tenant;
    readonly userId: string;
    readonly answer: string;
    readonly challenge: string;
    readonly device: Device;
    readonly now: number;
  }): Promise<{ readonly method: string; readonly codes?: readonly string[] } | undefined>;
  /**
   * Verifies the use of a passkey, once for each challenge.
   * @param input.userId whose it must be; where absent it is the whole log-in, and the authenticator must have verified the
   *   person.
   */
  verifyPasskey(input: {
    readonly tenant: Tenant;
    readonly userId?: string;
    readonly answer: string;
    readonly challenge: string;
    readonly remoteAddress: string;
    readonly now: number;
  }): Promise<
    | { readonly ok: true; readonly userId: string; readonly method: string }
    | { readonly ok: false; readonly reason: 'wrong-passkey' | 'try-later' }
  >;
  /** A challenge for a page that is part of no flow, encrypted: it is for this session, and counts for a while only. */
  sealChallenge(tenant: Tenant, sessionIdHash: string, now: number): Promise<string>;
  openChallenge(tenant: Tenant, sessionIdHash: string, sealed: string, now: number): Promise<string | undefined>;
  /** Other recovery codes in place of those there were. */
  renewRecoveryCodes(tenant: Tenant, userId: string): Promise<readonly string[]>;
  /** Encrypts codes for as long as they wait to be seen. */
  sealCodes(tenant: Tenant, userId: string, codes: readonly string[]): Promise<string>;
  openCodes(tenant: Tenant, userId: string, sealed: string): Promise<readonly string[]>;
}

export interface KeptTokens {
  readonly tenant: Tenant;
  readonly provider: Provider;
  readonly tokens: string;
}

export interface FederationPort {
  start(input: {
    readonly tenant: Tenant;
    readonly provider: Provider;
    readonly redirectUri: string;
    readonly loginHint?: string;
    /** The person must prove who they are, whatever session they have there. */
    readonly prompt?: 'login';
    /** How old that proof may be. */
    readonly maximumAgeSeconds?: number;
  }): Promise<
    | {
        readonly ok: true;
        readonly url: string;
        readonly pending: { readonly state: string; readonly nonce: string; readonly codeVerifier: string };
      }
    | { readonly ok: false; readonly code: string; readonly message: string }
  >;
  finish(input: {
    readonly tenant: Tenant;
    readonly provider: Provider;
    readonly redirectUri: string;
    readonly currentUrl: URL;
    readonly pending: { readonly state: string; readonly nonce: string; readonly codeVerifier: string };
  }): Promise<
    | {
        readonly ok: true;
        readonly subject: string;
        readonly claims: Readonly<Record<string, unknown>>;
        /** The tokens that the provider's settings want kept, encrypted for this tenant and provider. */
        readonly tokens?: string;
      }
    | {
        readonly ok: false;
        readonly code: 'denied' | 'provider-error' | 'invalid-response' | 'unreachable';
        readonly message: string;
      }
  >;
  /** Verifies a SAML response to one request: signature, issuer, audience, recipient, times, and that it is new. */
  readSaml(input: {
    readonly tenant: Tenant;
    readonly provider: Provider;
    /** Base64, as it was posted. */
    readonly response: string;
    readonly requestId: string;
    readonly now: number;
  }): Promise<SamlAnswer>;
  /** What a SAML provider is told of this tenant; undefined where it speaks no SAML. */
  samlMetadata(input: { readonly tenant: Tenant; readonly provider: Provider }): string | undefined;
  /** Asks the provider for new tokens, and so whether the person may still log in there. */
  refresh(
    input: KeptTokens,
  ): Promise<
    | { readonly ok: true; readonly tokens: string; readonly claims: Readonly<Record<string, unknown>> }
    | { readonly ok: false; readonly code: 'refused' | 'unreachable' }
  >;
  /** Tells the provider that its refresh token is not needed any more. Never rejects; false where it could not be told. */
  revoke(input: KeptTokens): Promise<boolean>;
  /**
   * Where the browser logs out at the provider; undefined where that is not wanted or not offered.
   * @param input.onward where the person goes when they are back: kept in `state`, or in what the browser is to keep.
   */
  endSessionUrl(
    input: KeptTokens & { readonly backTo: string; readonly onward?: string; readonly now: number },
  ): Promise<{ readonly url: string; readonly kept?: string } | undefined>;
  /** What the browser kept of its log-out at a SAML provider; undefined where it is none, or too old. */
  samlLogOutOf(input: { readonly tenant: Tenant; readonly kept: string; readonly now: number }):
    | {
        readonly provider: string;
        readonly requestId: string;
        readonly relayState: string;
        readonly onward?: string | undefined;
      }
    | undefined;
  /**
   * Verifies a message of a SAML provider about log-out: signature, issuer, destination, and of a request its time and
   * that it is new.
   * @param input.query as it was received.
   */
  readSamlLogOut(input: {
    readonly tenant: Tenant;
    readonly provider: Provider;
    readonly query: string;
    readonly now: number;
  }): Promise<SamlLogOut>;
  /**
   * Where the browser brings the signed answer to a provider's request; undefined where there is no log-out with it.
   * @param input.known whether the person is known here.
   */
  answerSamlLogOut(input: {
    readonly tenant: Tenant;
    readonly provider: Provider;
    readonly requestId: string;
    readonly relayState?: string | undefined;
    readonly known: boolean;
  }): Promise<string | undefined>;
  /** Whether what a session kept is of this person and among these sessions. */
  isSamlSession(input: KeptTokens & { readonly subject: string; readonly sessionIndexes: readonly string[] }): boolean;
  /** Reads `onward` out of the `state` that a provider gave back. */
  onwardOf(input: { readonly tenant: Tenant; readonly state: string; readonly now: number }): string | undefined;
}

/** A page of what a search finds. `total` is what the server says, if it does. */
export type ContextFound =
  | {
      readonly ok: true;
      readonly choices: readonly ContextChoice[];
      readonly more: boolean;
      readonly total?: number;
    }
  /** The server did not answer as it should; the log says why. */
  | { readonly ok: false };

export interface ContextSearchPort {
  /**
   * Searches on one of the tenant's FHIR servers. Never rejects.
   * @param input.gaps what the gaps of the search's parameters stand for; each one must be there.
   * @param input.text what the person typed.
   * @param input.page counted from 1.
   * @param input.id only the record of this id: whether it is among what the search finds.
   */
  find(input: {
    readonly tenant: Tenant;
    readonly server: FhirServer;
    readonly search: ContextSearch;
    readonly gaps: Readonly<Record<string, string>>;
    readonly text?: string;
    readonly page?: number;
    readonly id?: string;
  }): Promise<ContextFound>;
}

export interface ClientAuthenticationPort {
  authenticate(
    tenant: Tenant,
    request: TokenRequest,
    allowPublic: boolean,
  ): Promise<
    | { readonly ok: true; readonly client: Client; readonly method: string; readonly assertion?: VerifiedAssertion }
    | {
        readonly ok: false;
        readonly error: {
          readonly error: string;
          readonly description: string;
          readonly status: number;
          readonly headers?: Readonly<Record<string, string>>;
        };
      }
  >;
  /** Verifies a JWT of a foreign issuer once: signature, audience, times, `jti`. */
  verifyAssertion(input: {
    readonly tenant: Tenant;
    readonly token: string;
    readonly keys: { readonly jwks?: { readonly keys: readonly Jwk[] }; readonly jwksUri?: string };
    readonly issuer: string;
    readonly algorithms: readonly SigningAlgorithm[];
    readonly replaySpace: string;
  }): Promise<({ readonly ok: true } & VerifiedAssertion) | { readonly ok: false; readonly reason: string }>;
}

export interface Ports {
  readonly tenant: Tenant;
  readonly store: Store;
  readonly scripts: ScriptRunner;
  /** The rollouts of all slots as they stand, for a flow that begins. */
  scriptSnapshot(): Promise<ScriptSnapshot>;
  /**
   * The version of a slot's script that a flow runs, or undefined where there is none.
   * @param key whom a canary sticks to: the person where one is known, else the app.
   */
  scriptFor(slot: ScriptSlot, snapshot: ScriptSnapshot, key: string): Promise<ChosenScript | undefined>;
  /** Runs a version on trial beside what the real one did. Never delays or fails the flow. */
  tryShadow(trial: ShadowTrial): void;
  readonly keyring: Keyring;
  readonly identity: IdentityPort;
  readonly secondFactor: SecondFactorPort;
  readonly federation: FederationPort;
  readonly clientAuthentication: ClientAuthenticationPort;
  readonly contextSearch: ContextSearchPort;
  /** Finds an enabled or disabled client, from the document or the store. */
  client(clientId: string): Promise<Client | undefined>;
  user(userId: string): Promise<User | undefined>;
  provider(providerId: string): Promise<Provider | undefined>;
  providers(): Promise<readonly Provider[]>;
  /** Epoch milliseconds. */
  now(): number;
  /** A random handle of 256 bits, base64url. */
  newHandle(): string;
  /** SHA-256 of a handle, base64url. */
  hash(handle: string): string;
  audit(event: AuditEvent): void;
  /** An app used its access; kept coarsely and in the background. */
  noteUse(grantId: string): void;
  /** A session has ended: its apps, and the provider it began at, are told in the background. */
  notifyApps(): void;
  /** Keeps a finished flow's trace as the tenant's policy says. Never fails the flow. */
  keepTrace(trace: Trace): void;
  /** Lines that a script logged; of a tenant that logs without end, only so many are kept. */
  scriptLog(lines: readonly LogLine[], fields: Readonly<Record<string, unknown>>): void;
  log(level: 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>>): void;
}
