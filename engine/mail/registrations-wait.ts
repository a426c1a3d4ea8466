/**
 * Tells the addresses that a tenant names of people who wait for an administrator to approve their account: at once, and
 * then no sooner than the tenant says, however many there are. The mail holds nothing of who they are.
 */
import type { PageRenderer } from '../page/view.ts';
import type { RegistrationRepository, ReplayRepository } from '../store/store.ts';
import type { Tenant } from '../tenant/tenant.ts';
import type { Mailer } from './mailer.ts';

const minute = 60_000;
/** More than these are not counted. */
const mostCounted = 100;

export interface RegistrationsWait {
  /** Somebody waits since now. Never fails, and holds nothing up. */
  note(tenantId: string): void;
  /** Forgets mails that would come later. */
  close(): void;
}

/**
 * @param parts.tenant as it is by now; undefined where there is none of that id any more.
 * @param parts.replays of the nodes one tells in each span of time.
 * @param parts.failed hears why nobody could be told; the reason holds no address.
 */
export function createRegistrationsWait(parts: {
  readonly mailer: Pick<Mailer, 'canSend' | 'send'>;
  readonly pages: Pick<PageRenderer, 'mail'>;
  readonly registrations: Pick<RegistrationRepository, 'listPending'>;
  readonly replays: ReplayRepository;
  tenant(tenantId: string): Tenant | undefined;
  failed(tenantId: string, reason: string): void;
  now(): number;
}): RegistrationsWait {
  const { mailer, now, pages, registrations, replays } = parts;
  const told = new Map<string, number>();
  const later = new Map<string, NodeJS.Timeout>();

  async function tell(tenantId: string): Promise<void> {
    const tenant = parts.tenant(tenantId);
    if (!tenant || !mailer.canSend(tenant)) return;
    const { mailTo, mailMinutes } = tenant.selfRegistration.approval;
    if (mailTo.length === 0) return;
    const span = mailMinutes * minute;
    const place = Math.floor(now() / span);
    const since = now() - (told.get(tenantId) ?? -Infinity);
    const ours =
      since >= span &&
      (await replays.remember(tenantId, 'registrations wait', `${mailMinutes} ${place}`, (place + 2) * span));
    if (!ours) return postpone(tenantId, Math.max(span - since, (place + 1) * span - now()));
    told.set(tenantId, now());
    const waiting = (await registrations.listPending(tenantId, { limit: mostCounted + 1 }, now())).length;
    // Decided meanwhile.
    if (waiting === 0) return;
    const count = waiting > mostCounted ? `${mostCounted}+` : String(waiting);
    const mail = pages.mail(tenant, 'registrationsWait', { tenant: tenant.name, count }, []);
    for (const to of mailTo) await mailer.send(tenant, { to, ...mail });
  }

  function attempt(tenantId: string): void {
    tell(tenantId).catch((error: unknown) =>
      parts.failed(tenantId, error instanceof Error ? error.message : 'unknown'),
    );
  }

  function postpone(tenantId: string, milliseconds: number): void {
    // Who is waited for already covers everybody until then.
    if (later.has(tenantId)) return;
    const timer = setTimeout(() => {
      later.delete(tenantId);
      attempt(tenantId);
    }, milliseconds);
    timer.unref();
    later.set(tenantId, timer);
  }

  return {
    note(tenantId) {
      if (!later.has(tenantId)) attempt(tenantId);
    },
    close() {
      for (const timer of later.values()) clearTimeout(timer);
      later.clear();
    },
  };
}
