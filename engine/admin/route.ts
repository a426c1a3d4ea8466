/** One call of the admin API, as data: HTTP, OpenAPI and the command line are all made from it. */
import type { KeyDescription, KeyRotation } from '../key/open.ts';
import type { Keyring } from '../key/keyring.ts';
import type { MailName } from '../page/view.ts';
import type { ScriptRunner } from '../script/runner.ts';
import type { AdminToken, AuditEvent, Store } from '../store/store.ts';
import type { Problem } from '../tenant/problem.ts';
import type { Tenant, TenantDirectory } from '../tenant/tenant.ts';
import type { AdminProblem } from './problem.ts';
import type { Permission } from './role.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;
export type { KeyDescription };

/** What the calls work on. */
export interface Services {
  readonly store: Store;
  readonly keyring: Keyring & KeyRotation;
  readonly scripts: ScriptRunner;
  readonly directory: TenantDirectory & { reload(): Promise<readonly Problem[]> };
  /** Encrypts a tenant's secret at rest, for the place that `name` says. */
  seal(tenantId: string, name: string, secret: string): string;
  /** Makes a change of a client effective on this node at once. */
  forgetClient(tenantId: string, clientId: string): void;
  /** Makes a change of a rollout effective on this node at once. */
  forgetScripts(tenantId: string): void;
  /** Sends a mail of the tenant's skin; false where it could not be sent, which is logged. */
  mail(
    tenant: Tenant,
    to: string,
    name: MailName,
    gaps: Readonly<Record<string, string>>,
    languages: readonly string[],
  ): Promise<boolean>;
  /** Tells the apps of sessions that ended, and the providers they began at, in the background. */
  notifyApps(): void;
  /** Tells a person of a change that concerns how they log in, in the background. */
  noteChange(event: AuditEvent): void;
  /** Waits until what happened so far can be read from the audit trail and the traces. */
  settle(): Promise<void>;
  now(): number;
}

export interface AdminRequest {
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** Already fits the route's schema, defaults filled in. */
  readonly body: unknown;
  readonly actor: AdminToken;
}

export interface TenantRequest extends AdminRequest {
  readonly tenant: Tenant;
}

/** What an administrator changed, for the audit trail: never a secret. */
export interface Change {
  /** As in `client.created`; the trail says `admin.client.created`. */
  readonly type: string;
  readonly clientId?: string;
  readonly userId?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface Answer {
  readonly status: 200 | 201 | 204;
  readonly body?: unknown;
  readonly change?: Change;
}

export type Result = Answer | { readonly problem: AdminProblem };

/** A command of the CLI that makes this call; path parameters other than the tenant are its arguments. */
export interface RouteCommand {
  /** As in `client create`. */
  readonly name: string;
  readonly summary?: string;
  /** Sent instead of a body that the person gives. */
  readonly body?: object;
  /** The person names a script file, which is sent with what it imports. */
  readonly script?: boolean;
  /** The member of the answer that lists what is wrong: where it is not empty, the command fails. */
  readonly problemsIn?: string;
}

interface Described {
  /** OpenAPI's `operationId`. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly summary: string;
  readonly permission: Permission;
  /** Query parameters: their schemas, each with a description. */
  readonly query?: Readonly<Record<string, JsonSchema>>;
  readonly body?: JsonSchema;
  /** The status and body of success. */
  readonly answer: { readonly status: 200 | 201 | 204; readonly schema?: JsonSchema };
  readonly commands: readonly RouteCommand[];
  /** Members of a list's items that a table shows. */
  readonly columns?: readonly string[];
}

export interface TenantRoute extends Described {
  /** Below `/tenants/{tenant}`. */
  readonly path: `/tenants/{tenant}${string}`;
  run(request: TenantRequest, services: Services): Promise<Result>;
}

export interface ServerRoute extends Described {
  readonly path: `/${string}`;
  readonly serverWide: true;
  run(request: AdminRequest, services: Services): Promise<Result>;
}

export type Route = TenantRoute | ServerRoute;

export function ok(body: unknown): Answer {
  return { status: 200, body };
}
