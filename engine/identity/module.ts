/** What a log-in module is asked and what it answers. `password-log-in.ts` asks the modules of a tenant in their order. */
import { foldName } from './ldap/names.ts';
import type { UserSessionModel } from '../script/model.ts';
import type { Json } from '../script/runner.ts';
import type { ScriptSnapshot } from '../script/version/registry.ts';
import type { Tenant, User } from '../tenant/tenant.ts';

export interface LogInAttempt {
  readonly tenant: Tenant;
  readonly name: string;
  /** Undefined where nothing may succeed any more: the module does the work of a wrong one, so that both take alike. */
  readonly password: string | undefined;
  readonly remoteAddress: string;
  /** The versions of scripts that the flow began with. */
  readonly scripts?: ScriptSnapshot;
  readonly now: number;
  /** Whether an account is open to attempts; asked when the module knows whose it is, before it tries the password. */
  mayTry(username: string): Promise<boolean>;
}

/** Somebody whom a module other than the local one vouches for; who is new is stored only when the log-in is allowed. */
export interface Vouched {
  readonly external: { readonly provider: string; readonly subject: string };
  readonly isNew: boolean;
  /** Where it holds more than the account will. */
  readonly session?: UserSessionModel;
  /** What scripts may read of them beyond their session. */
  readonly claims: Readonly<Record<string, Json>>;
}

export type ModuleAnswer =
  | { readonly kind: 'accepted'; readonly user: User; readonly vouched?: Vouched }
  /** The module knows the person, and they may not in. */
  | { readonly kind: 'refused'; readonly username: string }
  | { readonly kind: 'unknown' }
  /** Whether it knows them cannot be said now. `problem` is a stable code for operators. */
  | { readonly kind: 'unavailable'; readonly problem: string; readonly detail: string };

/** In `external.provider` of people who belong to a log-in module; no provider's id has a slash. */
const moduleMark = 'inbound/';

export function providerOfModule(moduleId: string): string {
  return `${moduleMark}${moduleId}`;
}

/** The log-in module that owns the person and their password, or undefined where it is ours or a foreign provider's. */
export function owningModule({ external }: Pick<User, 'external'>): string | undefined {
  return external?.provider.startsWith(moduleMark) ? external.provider.slice(moduleMark.length) : undefined;
}

/**
 * The name under which failed log-ins are counted. Local names are exact; a directory takes a name in many spellings,
 * each of which would else have attempts of its own.
 */
export function failureName({ inbound }: Pick<Tenant, 'inbound'>, username: string): string {
  return inbound.every(({ type }) => type === 'local') ? username : foldName(username);
}
