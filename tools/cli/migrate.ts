/** `sallyport migrate`: brings the database to this version, before the first node of it starts. */
import { openStore } from '../../engine/store/open.ts';
import { loadServerSettings } from '../../engine/tenant/server.ts';

/** @returns the exit code. */
export async function migrate(write: (line: string) => void): Promise<number> {
  const loaded = await loadServerSettings(process.env);
  if (!loaded.ok) {
    for (const { message, hint } of loaded.problems) write(`${message}${hint ? ` ${hint}` : ''}`);
    return 1;
  }
  const { data, databaseUrl } = loaded.settings;
  try {
    const store = await openStore({ dataFolder: data, ...(databaseUrl ? { databaseUrl } : {}) });
    await store.close();
    write('The database is at this version.');
    return 0;
  } catch (error) {
    const { message, hint } = error as { readonly message?: string; readonly hint?: string };
    write(`${message ?? 'The database could not be opened.'} ${hint ?? ''}`.trim());
    return 1;
  }
}
