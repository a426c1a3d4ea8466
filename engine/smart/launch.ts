/** Launch handles of an EHR launch (SMART App Launch 2.2 section 2.0.7): opaque, single use, bound to app and person. */
import { hashHandle, newHandle } from '../store/secret.ts';
import type { LaunchRepository } from '../store/store.ts';
import type { Tenant } from '../tenant/tenant.ts';

export interface LaunchInput {
  readonly clientId: string;
  readonly username: string;
  /** Launch parameters by name, as the token response will carry them. */
  readonly context: Readonly<Record<string, unknown>>;
}

/** Answers the handle, stored as its hash only, and when it expires (epoch milliseconds). */
export async function createLaunch(
  launches: LaunchRepository,
  tenant: Tenant,
  input: LaunchInput,
  now: number,
): Promise<{ readonly launch: string; readonly expiresAt: number }> {
  const launch = newHandle();
  const expiresAt = now + tenant.lifetimes.launchSeconds * 1000;
  await launches.save({ hash: hashHandle(launch), tenantId: tenant.id, ...input, expiresAt });
  return { launch, expiresAt };
}
