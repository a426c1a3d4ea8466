/**
 * OpenID Connect Back-Channel Logout 1.0: the apps of a session that ended are told by a signed logout token. The notices
 * are in the store from the moment the session ends, so neither the person waits for an app nor a restart loses one.
 */
import type { Ports } from '../flow/ports.ts';
import { idTokenAlgorithm } from '../flow/step/mint.ts';
import { sidOf } from '../identity/session-id.ts';
import { isListed } from '../outbound/allow.ts';
import type { OutboundClient } from '../outbound/client.ts';
import type { LogoutNotice, LogoutNoticeRepository } from '../store/store.ts';
import type { Client, Tenant } from '../tenant/tenant.ts';

const event = 'http://schemas.openid.net/event/backchannel-logout';
/** Seconds; section 2.4 recommends two minutes at most. */
const tokenLifetime = 120;
const answerWithin = 5_000;
const longestAnswer = 16_384;
/** Milliseconds before the second, third and last attempt. */
const pauses: readonly number[] = [5_000, 30_000, 180_000];
/** Longer than an attempt takes: a node that died in the middle of one leaves it to another. */
const lease = 30_000;
/** One app that does not answer holds up no other. */
const mostAtOnce = 32;
/** Finds second attempts, and what other nodes left behind. */
const lookEvery = 5_000;

export interface BackChannel {
  /** Looks for notices now: a session has ended. Never fails. */
  wake(): void;
  /** Waits for attempts that began; none begin after it. */
  close(): Promise<void>;
}

interface Parts {
  readonly notices: LogoutNoticeRepository;
  readonly outbound: OutboundClient;
  /** Undefined where there is no such tenant any more. */
  portsOf(tenantId: string): Ports | undefined;
  /** Hears of what should not happen, such as a store that is away. */
  failed(error: unknown): void;
  readonly pauses?: readonly number[];
  readonly lookEvery?: number;
}

/** The logout token (section 2.4) for one app. Its `typ` keeps it from being taken for an ID token, and it has no nonce. */
export function logoutToken(notice: LogoutNotice, client: Client, { keyring, tenant, ...ports }: Ports) {
  const issuedAt = Math.floor(ports.now() / 1000);
  return keyring.sign(
    tenant,
    {
      iss: tenant.issuer,
      aud: notice.clientId,
      iat: issuedAt,
      exp: issuedAt + tokenLifetime,
      jti: ports.newHandle().slice(0, 22),
      sub: notice.subject,
      sid: sidOf(notice.sessionIdHash),
      events: { [event]: {} },
    },
    { algorithm: idTokenAlgorithm(client, tenant), type: 'logout+jwt' },
  );
}

export function createBackChannel(parts: Parts): BackChannel {
  const { notices, failed } = parts;
  const waits = parts.pauses ?? pauses;
  const running = new Set<Promise<void>>();
  let looking: Promise<void> | undefined;
  let again = false;
  let closed = false;

  async function look(): Promise<void> {
    do {
      again = false;
      const room = mostAtOnce - running.size;
      if (room <= 0 || closed) return;
      const now = Date.now();
      const taken = await notices.take(now, now + lease, room);
      again ||= taken.length === room;
      for (const notice of taken) {
        const attempt = tell(notice).catch(failed);
        running.add(attempt);
        void attempt.then(() => {
          const full = running.size >= mostAtOnce;
          running.delete(attempt);
          if (full) wake();
        });
      }
    } while (again);
  }

  function wake(): void {
    again = true;
    if (closed || looking) return;
    looking = look()
      .catch(failed)
      .finally(() => {
        looking = undefined;
        if (again) wake();
      });
  }

  async function tell(notice: LogoutNotice): Promise<void> {
    const ports = parts.portsOf(notice.tenantId);
    const client = await ports?.client(notice.clientId);
    const uri = client?.backchannelLogoutUri;
    if (!ports || !client?.enabled || uri === undefined) return notices.remove(notice);
    const result = await send(parts.outbound, uri, await logoutToken(notice, client, ports), ports.tenant);
    const pause = result === 'told' || result.final ? undefined : waits[notice.attempts - 1];
    if (pause !== undefined) return notices.postpone(notice, ports.now() + pause);
    await notices.remove(notice);
    ports.audit({
      tenantId: notice.tenantId,
      at: ports.now(),
      type: 'logout.notified',
      outcome: result === 'told' ? 'success' : 'failure',
      clientId: notice.clientId,
      userId: notice.userId,
      ...(result === 'told' ? {} : { reason: result.reason }),
      details: { attempts: notice.attempts },
    });
  }

  const timer = setInterval(wake, parts.lookEvery ?? lookEvery);
  timer.unref();

  return {
    wake,
    async close() {
      closed = true;
      clearInterval(timer);
      await looking;
      await Promise.all(running);
    },
  };
}

type Sent = 'told' | { readonly reason: string; readonly final: boolean };

/** Section 2.5. What may be better in a moment is tried again; an answer that says no is one. */
async function send(outbound: OutboundClient, uri: string, token: string, tenant: Tenant): Promise<Sent> {
  const { allow, allowPrivate } = tenant.outboundHttp;
  // Apps are named by the administrator; the scripts' allow-list only decides about private addresses.
  const listed = allowPrivate && isListed(allow, new URL(uri));
  const result = await outbound.request({
    url: uri,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: new URLSearchParams({ logout_token: token }).toString(),
    timeoutMilliseconds: answerWithin,
    maximumBytes: longestAnswer,
    pool: `back-channel ${tenant.id}`,
    ...(listed ? { allow, allowPrivate } : {}),
  });
  if (!result.ok) return { reason: result.code, final: result.code === 'blocked' || result.code === 'malformed' };
  const { status } = result.response;
  if (status === 200 || status === 204) return 'told';
  return { reason: `status-${status}`, final: status < 500 && status !== 408 && status !== 429 };
}
