/** The groups a person is in, directly or through groups in groups. */
import type { LdapSettings } from '../../tenant/tenant.ts';
import type { DirectoryConnection } from './connection.ts';
import { escapeFilterValue, fillTemplate, normalizeDn } from './names.ts';

/** Groups of one person that are looked at; how deep groups stand in groups; members asked for at once. */
const mostGroups = 1000;
const mostLevels = 10;
const membersAtOnce = 50;
const pageSize = 200;

/**
 * @returns the distinguished names of the groups, the nearest first. Rings of groups end where they began.
 * @throws DirectoryError
 */
export async function findGroups(
  connection: DirectoryConnection,
  { base, filter, nested }: NonNullable<LdapSettings['groups']>,
  person: { readonly dn: string; readonly username: string },
): Promise<readonly string[]> {
  const search = async (wanted: string): Promise<readonly string[]> => {
    const query = { base, scope: 'sub', filter: wanted, attributes: ['1.1'], most: mostGroups, pageSize } as const;
    return (await connection.search(query)).map(({ dn }) => dn);
  };
  const filterFor = (dn: string, username: string) => fillTemplate(filter, { dn, username }, escapeFilterValue);
  const found = new Map<string, string>();
  let level = await search(filterFor(person.dn, person.username));
  for (let depth = 0; level.length > 0; depth += 1) {
    const fresh = level.filter((dn) => !found.has(normalizeDn(dn) ?? dn));
    for (const dn of fresh) if (found.size < mostGroups) found.set(normalizeDn(dn) ?? dn, dn);
    if (!nested || depth >= mostLevels || found.size >= mostGroups) break;
    const next: string[] = [];
    for (let first = 0; first < fresh.length; first += membersAtOnce) {
      const members = fresh.slice(first, first + membersAtOnce);
      // A group has no user name: a filter by it finds nothing.
      next.push(...(await search(`(|${members.map((dn) => filterFor(dn, '')).join('')})`)));
    }
    level = next;
  }
  return [...found.values()];
}
