/** `sallyport serve`: starts the server, says where to go, stops on a signal. */
import { KeyError } from '../../engine/key/error.ts';
import { type Mount, startServer, type StartResult } from '../../engine/server.ts';
import { StoreError } from '../../engine/store/error.ts';
import { isLoopback } from '../../engine/tenant/cross-check.ts';
import { loadTenants } from '../../engine/tenant/load-all.ts';
import { loadServerSettings, type ServerSettings } from '../../engine/tenant/server.ts';
import { mountDemo } from '../demo/mount.ts';
import { mountSimulator } from '../simulator/mount.ts';

type Write = (line: string) => void;

/** @returns the exit code when the server could not start; otherwise runs until a signal. */
export async function serve(write: Write): Promise<number | undefined> {
  const loaded = await loadServerSettings(process.env);
  if (!loaded.ok) {
    const tenants = loaded.config === undefined ? undefined : await loadTenants(loaded.config, process.env);
    return refuse([...loaded.problems, ...(tenants?.problems ?? [])], write);
  }
  let started: StartResult;
  try {
    started = await startServer(loaded.settings, mountAll);
  } catch (error) {
    const reason = reasonOf(error, loaded.settings);
    if (reason === undefined) throw error;
    write(`Sallyport cannot start: ${reason}`);
    return 1;
  }
  if (!started.ok) return refuse(started.problems, write);
  const { running } = started;
  write('');
  const tenants = running.directory.all();
  write(`Sallyport serves ${tenants.length} ${tenants.length === 1 ? 'tenant' : 'tenants'} at ${running.url}`);
  for (const { name, issuer } of tenants)
    write(
      `  ${name}: ${issuer}${isElsewhere(issuer, running.url) ? ' (not at this port: see docs/operating.md)' : ''}`,
    );
  const demo = running.directory.byId('demo');
  if (demo?.demo) write(invitation(demo.issuer, running.url));
  if (loaded.settings.adminSecret === undefined) write(`The administrator's secret is in ${running.adminSecretFile}`);
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    running.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  // Whoever started this process is gone (sallyport.js).
  process.on('disconnect', stop);
  return undefined;
}

/** The pages beside the tenants; the demo has the start page. */
const mountAll: Mount = async (server, parts) => {
  await mountSimulator(server, parts);
  return mountDemo(server, parts);
};

/** How to try the demo, or why it cannot be tried here. */
function invitation(issuer: string, url: string): string {
  if (isElsewhere(issuer, url))
    return `The demo answers only at ${new URL(issuer).origin}: the sample app does not work at this port. Start with PORT=${new URL(issuer).port || '80'}.`;
  return `Open ${url}/ and start the sample app. Users: drsmith (practitioner) and jane (patient), password demo-password`;
}

/** Whether an issuer on this machine names another port than the one listened on; a public issuer has a proxy before it. */
function isElsewhere(issuer: string, url: string): boolean {
  return issuer.startsWith('http:') && isLoopback(issuer) && new URL(issuer).port !== new URL(url).port;
}

/** What of the machine or the data is in the way, as a sentence; undefined for what only a developer can mend. */
function reasonOf(error: unknown, { host, port, data }: ServerSettings): string | undefined {
  if (error instanceof StoreError || error instanceof KeyError) return `${error.message} ${error.hint ?? ''}`.trim();
  const { code, syscall } = error as { readonly code?: string; readonly syscall?: string };
  if (code === 'EADDRINUSE') return `port ${port} of ${host} is in use already. Name another one in PORT.`;
  if (code === 'EACCES' && syscall === 'listen') return `port ${port} may not be used. Name one above 1023 in PORT.`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `${host} is no address of this machine. Name one in HOST.`;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOSPC' || code === 'ENOTDIR')
    return `the data folder ${data} cannot be written (${code}). Name another one in SALLYPORT_DATA.`;
  return undefined;
}

function refuse(problems: readonly { readonly message: string; readonly hint: string }[], write: Write): number {
  write(
    `Sallyport cannot start: ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in its configuration.`,
  );
  for (const { message, hint } of problems) write(`  ${message}${hint ? ` ${hint}` : ''}`);
  return 1;
}
