/** `sallyport serve`: starts the server, says where to go, stops on a signal. */
import { startServer } from '../../engine/server.ts';
import { loadServerSettings } from '../../engine/tenant/server.ts';
import { mountDemo } from '../demo/mount.ts';

/** @returns the exit code when the server could not start; otherwise runs until a signal. */
export async function serve(write: (line: string) => void): Promise<number | undefined> {
  const loaded = await loadServerSettings(process.env);
  if (!loaded.ok) return refuse(loaded.problems, write);
  const started = await startServer(loaded.settings, mountDemo);
  if (!started.ok) return refuse(started.problems, write);
  const { running } = started;
  write('');
  write(`Sallyport serves ${running.directory.all().length} tenants at ${running.url}`);
  for (const tenant of running.directory.all()) write(`  ${tenant.name}: ${tenant.issuer}`);
  if (running.directory.byId('demo')?.demo) {
    write(
      `Open ${running.url}/ and start the sample app. Users: drsmith (practitioner) and jane (patient), password demo-password`,
    );
  }
  write(`The administrator's secret is in ${running.adminSecretFile}`);
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
  return undefined;
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
