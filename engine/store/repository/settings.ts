/** Named values of the installation. */
import { type Database, firstRow, rows } from '../database.ts';
import type { Store } from '../store.ts';

export function settings(database: Database): Pick<Store, 'setting' | 'setSetting'> {
  return {
    async setting(name) {
      const row = await firstRow<{ readonly value: string }>(database, 'select value from setting where name = ?', [
        name,
      ]);
      return row?.value;
    },
    async setSetting(name, value) {
      await rows(
        database,
        'insert into setting (name, value) values (?, ?) on conflict (name) do update set value = excluded.value',
        [name, value],
      );
    },
  };
}
