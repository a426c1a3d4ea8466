/**
 * Tells people by mail what changed about how they prove who they are, so that they learn of what somebody else did. Made
 * from the audit events: whatever is in the trail of it is told, whichever page, flow or administrator it comes from.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { AccountChange, PageRenderer } from '../page/view.ts';
import type { AuditEvent } from '../store/store.ts';
import type { Tenant, User } from '../tenant/tenant.ts';
import type { Mailer } from './mailer.ts';

/** The languages of whoever makes the request that is being served; nobody's in the background. */
export const speaking = new AsyncLocalStorage<readonly string[]>();

const changes: Readonly<Record<string, AccountChange>> = {
  'password.changed': 'password-changed',
  'admin.user.password-set': 'password-set',
  'second-factor.enrolled': 'app-added',
  'second-factor.disabled': 'factor-removed',
  'second-factor.codes-renewed': 'codes-renewed',
  'second-factor.recovery-code-used': 'code-used',
  'second-factor.passkey-added': 'passkey-added',
  'second-factor.passkey-removed': 'passkey-removed',
  'admin.user.second-factor-reset': 'factor-reset',
  'account.linked': 'account-linked',
  'account.unlinked': 'account-unlinked',
};

export interface AccountChanges {
  /** Tells the person, if it is such a change, in the background. Never fails, and holds nothing up. */
  note(event: AuditEvent): void;
}

/** @param parts.failed hears why a person could not be told; the reason holds no address. */
export function createAccountChanges(parts: {
  readonly mailer: Pick<Mailer, 'canSend' | 'send'>;
  readonly pages: Pick<PageRenderer, 'mail'>;
  tenant(tenantId: string): Tenant | undefined;
  user(tenantId: string, userId: string): Promise<User | undefined>;
  failed(tenantId: string, change: AccountChange, reason: string): void;
}): AccountChanges {
  async function tell(
    tenant: Tenant,
    userId: string,
    {
      at,
      change,
      languages,
    }: { readonly at: number; readonly change: AccountChange; readonly languages: readonly string[] },
  ): Promise<void> {
    const user = await parts.user(tenant.id, userId);
    if (user?.email === undefined) return;
    const gaps = {
      name: [user.givenName, user.familyName].filter(Boolean).join(' ') || user.username,
      username: user.username,
      tenant: tenant.name,
      change,
      at: String(at),
    };
    await parts.mailer.send(tenant, { to: user.email, ...parts.pages.mail(tenant, 'accountChanged', gaps, languages) });
  }

  return {
    note(event) {
      const change = changeOf(event);
      const tenant = parts.tenant(event.tenantId);
      if (change === undefined || event.userId === undefined || !tenant || !parts.mailer.canSend(tenant)) return;
      const languages = speaking.getStore() ?? [];
      tell(tenant, event.userId, { at: event.at, change, languages }).catch((error: unknown) =>
        parts.failed(tenant.id, change, error instanceof Error ? error.message : 'unknown'),
      );
    },
  };
}

function changeOf({ type, outcome, details }: AuditEvent): AccountChange | undefined {
  if (outcome !== 'success') return undefined;
  // An administrator may set a password among other members.
  if (type === 'admin.user.changed')
    return (details?.['members'] as readonly string[] | undefined)?.includes('password') ? 'password-set' : undefined;
  return Object.hasOwn(changes, type) ? changes[type] : undefined;
}
