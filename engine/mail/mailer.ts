/** Sends mail for tenants: through their own SMTP server, or, for a demo tenant without one, into a mailbox that its pages show. */
import { LRUCache } from 'lru-cache';
import { createTransport, type Transporter } from 'nodemailer';
import type { Tenant } from '../tenant/tenant.ts';

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export interface CapturedMail extends Mail {
  /** Epoch milliseconds. */
  readonly at: number;
}

export interface Mailer {
  /** Whether mail of this tenant goes anywhere. */
  canSend(tenant: Tenant): boolean;
  /** @throws when the server does not take it. The reason holds no address. */
  send(tenant: Tenant, mail: Mail): Promise<void>;
  /** What a demo tenant without a server sent, newest first. */
  captured(tenantId: string): readonly CapturedMail[];
  close(): void;
}

const timeout = 15_000;
const mostCaptured = 50;
const loopback = new Set(['localhost', '127.0.0.1', '::1']);

/** One connection pool for each tenant, closed when its settings change. */
export function createMailer(now: () => number = Date.now): Mailer {
  const transports = new LRUCache<string, Transporter>({ max: 200, dispose: (transport) => transport.close() });
  const mailboxes = new Map<string, CapturedMail[]>();

  function transportOf({ id, version, mail }: Tenant): Transporter | undefined {
    if (!mail) return undefined;
    const key = `${id} ${version}`;
    const known = transports.get(key);
    if (known) return known;
    const { host, port, security, username, password } = mail.smtp;
    const made = createTransport({
      host,
      port,
      secure: security === 'tls',
      // Off loopback a connection is encrypted before anything is said, or there is none.
      requireTLS: security === 'starttls',
      ignoreTLS: security === 'none',
      ...(username === undefined ? {} : { auth: { user: username, pass: password ?? '' } }),
      pool: true,
      maxConnections: 2,
      connectionTimeout: timeout,
      greetingTimeout: timeout,
      socketTimeout: timeout,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    transports.set(key, made);
    return made;
  }

  return {
    canSend: (tenant) => tenant.mail !== undefined || tenant.demo,
    async send(tenant, mail) {
      const transport = transportOf(tenant);
      if (transport && tenant.mail) {
        try {
          await transport.sendMail({ from: tenant.mail.from, ...mail });
        } catch (error) {
          // What the server says quotes addresses.
          const { code, responseCode } = error as { readonly code?: string; readonly responseCode?: number };
          throw new Error(`the mail was not taken: ${code ?? 'unknown'} ${responseCode ?? ''}`.trim(), { cause: code });
        }
        return;
      }
      if (!tenant.demo) throw new Error('the tenant has no mail server');
      const mailbox = mailboxes.get(tenant.id) ?? [];
      mailboxes.set(tenant.id, [{ ...mail, at: now() }, ...mailbox].slice(0, mostCaptured));
    },
    captured: (tenantId) => mailboxes.get(tenantId) ?? [],
    close: () => transports.clear(),
  };
}

/** Whether a mail server is this machine itself, where a connection may be plain. */
export function isLocalMailServer(host: string): boolean {
  return loopback.has(host);
}
