/** What becomes of the modules themselves. The first rule whose pattern fits a type counts. */
import type { Outcome } from '../report.ts';

export interface ModuleTypeRule {
  readonly pattern: RegExp;
  /** The types as a person reads them. */
  readonly name: string;
  readonly outcome: Outcome;
  readonly text: string;
}

export const moduleTypeRules: readonly ModuleTypeRule[] = [
  { pattern: /^SECURITY_OUT_SMART$/, name: 'SECURITY_OUT_SMART', outcome: 'carried', text: 'A tenant of its own.' },
  {
    pattern: /^SECURITY_IN_LOCAL$/,
    name: 'SECURITY_IN_LOCAL',
    outcome: 'carried',
    text: '`inbound` of the tenants that require it, with its people in `users`.',
  },
  {
    pattern: /^SECURITY_IN_LDAP/,
    name: 'SECURITY_IN_LDAP',
    outcome: 'missing',
    text: 'Not brought over: describe the LDAP directory by a module of type `ldap` in `inbound`, with `authenticator.require_group_membership.dn` as `groups.required`.',
  },
  {
    pattern: /^SECURITY_IN_SAML/,
    name: 'SECURITY_IN_SAML',
    outcome: 'differs',
    text: 'Not brought over. Describe the identity provider by `saml` in `providers`.',
  },
  {
    pattern: /^SECURITY_IN_SMART/,
    name: 'SECURITY_IN_SMART',
    outcome: 'missing',
    text: 'It accepts tokens at resource servers, which is not what an authorization server does: keep it there, and let it trust the new issuer.',
  },
  {
    pattern: /^SECURITY_IN_SCRIPTED/,
    name: 'SECURITY_IN_SCRIPTED',
    outcome: 'carried',
    text: 'A module of type `scripted` in `inbound` of the tenants that require it, with its script.',
  },
  {
    pattern: /^SECURITY_IN_/,
    name: 'SECURITY_IN_… (others)',
    outcome: 'missing',
    text: 'No such log-in module. Use local users, a directory, a script, or a provider in `providers`.',
  },
  {
    pattern: /^ENDPOINT_FHIR_REST/,
    name: 'ENDPOINT_FHIR_REST…',
    outcome: 'differs',
    text: 'The FHIR server stays where it is: let it trust the new issuer by a SMART Inbound Security module. Its `base_url.fixed` becomes a FHIR server of the tenant where no audience list names any.',
  },
  {
    pattern: /^CLUSTERMGR$/,
    name: 'CLUSTERMGR',
    outcome: 'differs',
    text: 'The database is `DATABASE_URL`; of this module only `seed_keystores.file` is read.',
  },
  {
    pattern: /^(AUDIT_LOG|TRANSACTION_LOG)/,
    name: 'AUDIT_LOG_PERSISTENCE, TRANSACTION_LOG_PERSISTENCE',
    outcome: 'differs',
    text: 'Every log-in, token and refusal is in the audit trail of the database; past events stay where they are.',
  },
  {
    pattern: /^ADMIN_/,
    name: 'ADMIN_JSON, ADMIN_WEB',
    outcome: 'differs',
    text: 'The admin API below `/admin/api`, and the commands of `npx sallyport`, with tokens of their own.',
  },
  {
    pattern: /^APP_GALLERY/,
    name: 'APP_GALLERY',
    outcome: 'missing',
    text: 'No app gallery. The developer’s attestation is `clients[].attestation`.',
  },
  {
    pattern: /./,
    name: 'any other',
    outcome: 'missing',
    text: 'It is no part of an authorization server and stays where it is.',
  },
];

export function ruleOfType(type: string): ModuleTypeRule {
  return moduleTypeRules.find(({ pattern }) => pattern.test(type)) as ModuleTypeRule;
}
