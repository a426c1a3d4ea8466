/** `sallyport serve`: starts the server, says where to go, stops on a signal. */
import { type RunningServer, startServer } from '../../engine/server.ts';
import { isLoopback } from '../../engine/tenant/cross-check.ts';
import { loadServerSettings, type ServerSettings } from '../../engine/tenant/server.ts';
import { mountDemo } from '../demo/mount.ts';

/** @returns the exit code when the server could not start; otherwise runs until a signal. */
export async function serve(write: (line: string) => void): Promise<number | undefined> {
  const loaded = await loadServerSettings(process.env);
  if (!loaded.ok) return refuse(loaded.problems, write);
  let started: Awaited<ReturnType<typeof startServer>>;
  try {
    started = await startServer(loaded.settings, mountDemo);
  } catch (error) {
    const why = explain(error, loaded.settings);
    if (why === undefined) throw error;
    write(`Sallyport cannot start. ${why}`);
    return 1;
  }
  if (!started.ok) return refuse(started.problems, write);
  const { running } = started;
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      running.close().then(
        () => process.exit(0),
        () => process.exit(1),
      );
    });
  }
  // Last, for whoever waits for these words may send a signal at once.
  greet(running, write);
  return undefined;
}

function greet({ url, directory, adminSecretFile }: RunningServer, write: (line: string) => void): void {
  const tenants = directory.all();
  write('');
  write(`Sallyport serves ${tenants.length} tenants at ${url}`);
  for (const tenant of tenants) {
    const elsewhere = isElsewhere(tenant.issuer, url) ? ' (no server listens there: see PORT in the README)' : '';
    write(`  ${tenant.name}: ${tenant.issuer}${elsewhere}`);
  }
  if (directory.byId('demo')?.demo) {
    write(
      `Open ${url}/ and start the sample app. Users: drsmith (practitioner) and jane (patient), password demo-password`,
    );
  }
  write(`The administrator's secret is in ${adminSecretFile}`);
}

/** Whether an issuer on this machine names another port than the one listened on; a public issuer has a proxy before it. */
function isElsewhere(issuer: string, url: string): boolean {
  return issuer.startsWith('http:') && isLoopback(issuer) && new URL(issuer).port !== new URL(url).port;
}

/** A sentence for what the operator can mend: a taken port, a locked folder, a database that is away, a wrong key. */
function explain(error: unknown, { host, port }: ServerSettings): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, hint } = error as Error & { readonly code?: string; readonly hint?: string };
  if (code === 'EADDRINUSE') return `Port ${port} of ${host} is in use. Stop what listens there, or set PORT.`;
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL')
    return `It may not listen on port ${port} of ${host} (${code}). Set PORT and HOST.`;
  return hint === undefined ? undefined : `${error.message} ${hint}`;
}

function refuse(
  problems: readonly { readonly message: string; readonly hint: string }[],
  write: (line: string) => void,
): number {
  write(
    `Sallyport cannot start: ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in its configuration.`,
  );
  for (const { message, hint } of problems) write(`  ${message}${hint ? ` ${hint}` : ''}`);
  return 1;
}
