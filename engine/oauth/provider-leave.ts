/**
 * Sessions end in many ways: on the page of a person's sessions, by an administrator, with another password, with the
 * account. Whatever one kept of the provider it began at is revoked there, in the background; nobody waits for it.
 */
import { revokeAtProvider } from '../flow/step/provider-session.ts';
import type { Ports } from '../flow/ports.ts';
import type { ProviderSessionRepository } from '../store/store.ts';

const mostAtOnce = 20;

export interface ProviderLeave {
  /** Looks now for what ended sessions left. Never fails. */
  wake(): void;
  /** Waits for what began; nothing begins after it. */
  close(): Promise<void>;
}

/**
 * @param parts.portsOf undefined where there is no such tenant any more.
 * @param parts.failed hears of what should not happen, such as a store that is away.
 */
export function createProviderLeave(parts: {
  readonly providerSessions: Pick<ProviderSessionRepository, 'takeEnded'>;
  portsOf(tenantId: string): Ports | undefined;
  failed(error: unknown): void;
}): ProviderLeave {
  let running: Promise<void> | undefined;
  let again = false;
  let closed = false;

  async function look(): Promise<void> {
    while (again && !closed) {
      again = false;
      const taken = await parts.providerSessions.takeEnded(mostAtOnce);
      again ||= taken.length === mostAtOnce;
      await Promise.all(
        taken.map(async (kept) => {
          const ports = parts.portsOf(kept.tenantId);
          if (ports) await revokeAtProvider(kept, ports).catch(parts.failed);
        }),
      );
    }
  }

  function wake(): void {
    again = true;
    if (closed || running) return;
    running = look()
      .catch(parts.failed)
      .finally(() => {
        running = undefined;
        if (again) wake();
      });
  }

  return {
    wake,
    async close() {
      closed = true;
      await running;
    },
  };
}
