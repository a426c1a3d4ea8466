/** What the server that mounts the demo gives it. */
import type { JWK } from 'jose';

export type Jwk = JWK;

export interface LaunchContext {
  readonly patient: string;
  readonly encounter?: string;
  readonly need_patient_banner?: boolean;
}

export interface LaunchInput {
  readonly clientId: string;
  readonly username: string;
  readonly context: LaunchContext;
}

/** A stored flow, as the flow machine recorded it; `trace` is read leniently, for it is only shown. */
export interface RecordedFlow {
  readonly id: string;
  readonly tenantId: string;
  readonly flow: string;
  readonly outcome: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly trace: unknown;
}

/** A demo account as the start page lists it. The password is public on purpose: these accounts hold made-up data. */
export interface DemoUser {
  readonly username: string;
  readonly password: string;
  readonly name: string;
  readonly role: string;
}

/** A mail that went nowhere but here. */
export interface DemoMail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

export interface DemoOptions {
  /** The origin the server is reached at, without a trailing slash: `http://localhost:9200`. */
  readonly baseUrl: string;
  /** A JSON array of patients: `{id, given, family, birthDate, gender, identifier}`. */
  readonly patientsFile: string;
  /** The public keys of the tenant that issues the access tokens. */
  readonly jwks: () => Promise<{ keys: Jwk[] }>;
  /** The issuer of the tenant whose tokens the FHIR server accepts: `http://localhost:9200/demo`. */
  readonly issuer: string;
  /** Stores a launch context and gives the opaque `launch` value an EHR hands to the app. */
  readonly createLaunch: (input: LaunchInput) => Promise<string>;
  readonly traces: () => Promise<readonly RecordedFlow[]>;
  /** What the demo tenants sent by mail, newest first; they have no mail server. */
  readonly mails?: () => readonly DemoMail[];
  /** The tenant's SMART configuration; when given, the FHIR server serves it below its base. */
  readonly smartConfiguration?: () => Promise<object>;
  /** The accounts the start page lists. */
  readonly users?: readonly DemoUser[];
  /** The clinician an EHR launch is made for; `drsmith` unless set. */
  readonly clinician?: string;
  /** Further issuers whose discovery documents the start page links to; the partner tenant unless set. */
  readonly otherIssuers?: readonly string[];
  /** The folder of `*.md` documents the start page links to; the project's `docs/` unless set. */
  readonly docsFolder?: string;
}

/** The FHIR base URL, which is also the audience of the access tokens (SMART App Launch 2.2, `aud`). */
export function fhirBaseOf(options: Pick<DemoOptions, 'issuer'>): string {
  return `${options.issuer}/fhir/r4`;
}
