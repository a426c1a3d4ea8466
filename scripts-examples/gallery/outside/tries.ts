/** What the start page offers to try: for each tenant the app's request, and what to do at the pages that follow. */

interface Interactive {
  readonly kind: 'person';
  readonly tenant: string;
  readonly client: string;
  readonly scope: string;
  /** The FHIR server the app wants, below the stand-in's address. */
  readonly server?: string;
  /** Whether the EHR opens the app, with a handle for this user. */
  readonly launch?: { readonly user: string; readonly patient: string; readonly encounter?: string };
  readonly prompt?: string;
  readonly hint: string;
}

interface Service {
  readonly kind: 'service';
  readonly tenant: string;
  readonly client: string;
  /** The app proves who it is by this secret, or by the key of this file. */
  readonly secret?: string;
  readonly keys?: string;
  readonly hint: string;
}

interface Partner {
  readonly kind: 'partner';
  readonly tenant: string;
  readonly client: string;
  readonly keys: string;
  readonly issuer: string;
  readonly issuerKeys: string;
  readonly qualification: string;
  readonly reason: string;
  readonly hint: string;
}

export type Try = Interactive | Service | Partner;

const record = 'openid launch/patient patient/*.rs offline_access';

export const tries: readonly Try[] = [
  {
    kind: 'person',
    tenant: 'launch-handle',
    client: 'chart-app',
    scope: 'openid fhirUser launch patient/*.rs offline_access',
    launch: { user: 'drsmith', patient: 'p1', encounter: 'e7' },
    hint: 'log in as drsmith: the token is for p1',
  },
  {
    kind: 'person',
    tenant: 'launch-handle',
    client: 'chart-app',
    scope: 'openid launch patient/*.rs',
    launch: { user: 'drjones', patient: 'p2' },
    hint: 'log in as drsmith: the handle is for somebody else',
  },
  {
    kind: 'person',
    tenant: 'patient-picker',
    client: 'chart-app',
    scope: record,
    hint: 'log in as drsmith and pick; as jane there is nothing to pick; clerk is denied',
  },
  {
    kind: 'person',
    tenant: 'role-claims',
    client: 'chart-app',
    scope: 'openid fhirUser user/*.rs',
    hint: 'log in as drsmith: the token says the roles; retired is denied',
  },
  {
    kind: 'person',
    tenant: 'scope-narrowing',
    client: 'chart-app',
    scope: 'openid user/*.cruds',
    hint: 'log in as labtech or drsmith and compare the scopes; visitor is denied',
  },
  {
    kind: 'person',
    tenant: 'office-hours',
    client: 'chart-app',
    scope: 'openid user/*.rs',
    hint: 'log in as clerk, by day or by night; oncall always gets in',
  },
  {
    kind: 'person',
    tenant: 'fhir-user',
    client: 'chart-app',
    scope: 'openid fhirUser user/*.rs',
    server: 'research',
    hint: 'log in as drsmith: fhirUser is Practitioner/r-77; drjones has none here',
  },
  {
    kind: 'partner',
    tenant: 'codap-decision',
    client: 'north-clinic',
    keys: 'codap-decision/keys/north-clinic.jwks.json',
    issuer: 'https://north-clinic.example',
    issuerKeys: 'codap-decision/keys/north-clinic-issuer.jwks.json',
    qualification: 'RPH',
    reason: 'treatment',
    hint: 'a pharmacist asks for the record of p1: the token is for medication',
  },
  {
    kind: 'partner',
    tenant: 'codap-decision',
    client: 'north-clinic',
    keys: 'codap-decision/keys/north-clinic.jwks.json',
    issuer: 'https://north-clinic.example',
    issuerKeys: 'codap-decision/keys/north-clinic-issuer.jwks.json',
    qualification: 'RN',
    reason: 'emergency',
    hint: 'a nurse asks for an emergency, and is denied',
  },
  {
    kind: 'person',
    tenant: 'federated-groups',
    client: 'chart-app',
    scope: 'openid profile user/*.cruds',
    hint: 'log in at the directory as ada or grace: the token says their rights; cyclist and guest are denied',
  },
  {
    kind: 'person',
    tenant: 'patient-lookup',
    client: 'portal-app',
    scope: `${record} fhirUser`,
    hint: 'log in as jane: her record is found; stranger is denied',
  },
  {
    kind: 'person',
    tenant: 'audit-collector',
    client: 'chart-app',
    scope: record,
    hint: 'log in as jane, then look at what the collector was told',
  },
  {
    kind: 'person',
    tenant: 'step-up',
    client: 'chart-app',
    scope: 'openid user/*.cruds',
    prompt: 'login',
    hint: 'log in as drsmith by password, then again by a second factor as ada: compare the scopes',
  },
  {
    kind: 'service',
    tenant: 'cohort-backend',
    client: 'registry-export',
    keys: 'cohort-backend/keys/registry-export.jwks.json',
    hint: 'the token names the cohort',
  },
  {
    kind: 'service',
    tenant: 'cohort-backend',
    client: 'closed-study',
    secret: 'demo-secret',
    hint: 'the study is closed: denied',
  },
  {
    kind: 'service',
    tenant: 'rate-limit',
    client: 'nightly-job',
    secret: 'demo-secret',
    hint: 'the fourth token of an hour is denied',
  },
  {
    kind: 'person',
    tenant: 'kiosk',
    client: 'kiosk-app',
    scope: record,
    hint: 'log in as jane: appointments only, no refresh token; drsmith is denied',
  },
  {
    kind: 'person',
    tenant: 'kiosk',
    client: 'chart-app',
    scope: record,
    hint: 'log in as jane: the same person with another app',
  },
  {
    kind: 'person',
    tenant: 'staff-log-in',
    client: 'chart-app',
    scope: 'openid fhirUser user/*.cruds',
    hint: 'log in as ada: the staff system knows the password; gus has no rights, caretaker an account here',
  },
  {
    kind: 'person',
    tenant: 'directory-groups',
    client: 'chart-app',
    scope: 'openid user/*.cruds',
    hint: 'log in as ada or grace where the directory runs, as caretaker where it does not',
  },
];
