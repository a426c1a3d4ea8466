/** Rules of a tenant's log-in modules that span several values. */
import { FilterParser } from 'ldapts';
import { normalizeDn } from '../identity/ldap/names.ts';
import type { Report } from './cross-check.ts';
import type { TenantDocument } from './document.ts';

type ModuleDocument = NonNullable<TenantDocument['inbound']>[number];
type DirectoryDocument = NonNullable<ModuleDocument['ldap']>;

/** Reports what is wrong with the modules beyond their schema. `isLoopback` says whether an address is this machine. */
export function checkInbound(
  modules: readonly ModuleDocument[],
  report: Report,
  isLoopback: (url: string) => boolean,
): void {
  modules.forEach(({ type, ldap, script }, index) => {
    const at = `/inbound/${index}`;
    if (type === 'scripted' && script === undefined)
      report('scripted-script', at, 'a scripted module without "script"', '"script"', 'its `authenticate` decides');
    if ((type === 'ldap') !== (ldap !== undefined))
      report('ldap-settings', at, ldap ? `"ldap" of a module of type ${type}` : 'no "ldap"', '"ldap" with type "ldap"');
    if (ldap === undefined) return;
    checkDirectory(ldap, `${at}/ldap`, report, isLoopback);
    if (ldap.userDn !== undefined && index < modules.length - 1)
      report(
        'ldap-order',
        `${at}/ldap/userDn`,
        'modules after one with userDn',
        'it as the last one, or "search"',
        'a bind does not tell a wrong password from an unknown name, so nobody may be asked after it',
      );
  });
}

function checkDirectory(
  { urls, startTls, bind, search, userDn, groups, recheckSeconds }: DirectoryDocument,
  at: string,
  report: Report,
  isLoopback: (url: string) => boolean,
): void {
  urls.forEach((url, index) => {
    if (!URL.canParse(url)) report('ldap-url', `${at}/urls/${index}`, `"${url}"`, 'ldaps://host or ldap://host');
    else if (url.startsWith('ldap:') && startTls === false && !isLoopback(url))
      report(
        'ldap-unencrypted',
        `${at}/urls/${index}`,
        'passwords in plain text',
        'ldaps:// or "startTls": true',
        'only a directory on loopback may go without',
      );
  });
  if ((search === undefined) === (userDn === undefined))
    report('ldap-lookup', at, search ? 'search and userDn' : 'neither search nor userDn', 'one of them');
  if (search !== undefined && bind === undefined)
    report('ldap-service-account', at, '"search" without "bind"', 'the service account that searches');
  if (recheckSeconds !== undefined && search === undefined)
    report(
      'ldap-recheck',
      `${at}/recheckSeconds`,
      'no "search"',
      'one',
      'without a service account nobody can be asked for',
    );
  const checkDn = (dn: string | undefined, place: string) => {
    if (dn !== undefined && normalizeDn(dn) === undefined)
      report('ldap-dn', `${at}${place}`, `"${dn}"`, 'a distinguished name (RFC 4514)');
  };
  const checkFilter = (filter: string | undefined, gaps: readonly string[], place: string) => {
    if (filter === undefined) return;
    // Gaps stand for values: where one took the place of an attribute, this does not parse.
    if (!isFilter(filter)) report('ldap-filter', `${at}${place}`, `"${filter}"`, 'a filter (RFC 4515)');
    else if (!gaps.some((gap) => filter.includes(gap)))
      report('ldap-gap', `${at}${place}`, `"${filter}"`, `${gaps.join(' or ')} in it`, 'else it fits the same for all');
  };
  checkDn(bind?.dn, '/bind/dn');
  checkDn(search?.base, '/search/base');
  checkFilter(search?.filter, ['{username}'], '/search/filter');
  checkDn(userDn?.replaceAll('{username}', 'somebody'), '/userDn');
  if (userDn !== undefined && !/=\{username\}/.test(userDn))
    report('ldap-gap', `${at}/userDn`, `"${userDn}"`, '{username} as a value in it');
  checkDn(groups?.base, '/groups/base');
  checkDn(groups?.required, '/groups/required');
  checkFilter(groups?.filter, ['{dn}', '{username}'], '/groups/filter');
  groups?.authorities?.forEach(({ group }, index) => checkDn(group, `/groups/authorities/${index}/group`));
  if (groups?.nested === true && groups.filter !== undefined && !groups.filter.includes('{dn}'))
    report(
      'ldap-nested',
      `${at}/groups/nested`,
      'a filter without {dn}',
      '{dn} in "filter"',
      'groups have no user name',
    );
}

function isFilter(text: string): boolean {
  try {
    // The parser is content where the last parentheses are missing.
    const balanced = text.split('(').length === text.split(')').length;
    return FilterParser.parseString(text) !== undefined && text.startsWith('(') && balanced;
  } catch {
    return false;
  }
}
