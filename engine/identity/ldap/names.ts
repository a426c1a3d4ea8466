/** Names in a directory: filters (RFC 4515), distinguished names (RFC 4514), and names that are the same to it. */

/** A value for a filter: whatever could mean more than itself there is escaped (RFC 4515 section 3). */
export function escapeFilterValue(value: string): string {
  return value.replace(/[\\*()\0]/g, (character) => `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** An attribute's value within a distinguished name (RFC 4514 section 2.4). */
export function escapeDnValue(value: string): string {
  return value
    .replace(/["+,;<>\\=]/g, '\\$&')
    .replaceAll('\0', '\\00')
    .replace(/^[ #]/, '\\$&')
    .replace(/(?<!^\\) $/, '\\ ');
}

/** Fills `{name}` gaps of a template; what is put in is escaped by `escape`. */
export function fillTemplate(
  template: string,
  values: Readonly<Record<string, string>>,
  escape: (value: string) => string,
): string {
  return template.replace(/\{(\w+)\}/g, (gap, name: string) => (name in values ? escape(values[name] ?? '') : gap));
}

/** Directories tell neither case nor, some of them, accents and invisible characters of names apart. */
export function foldName(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/[\p{M}\p{C}]/gu, '')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .trim();
}

/**
 * A distinguished name as it is compared: types and values in lower case, spaces and escapes made alike, the parts of a
 * multi-valued RDN in order. Undefined where the text is no distinguished name.
 */
export function normalizeDn(text: string): string | undefined {
  const rdns: string[] = [];
  let parts: string[] = [];
  let rest = text.trim();
  while (rest !== '') {
    const type = /^\s*([A-Za-z][\w-]*|\d+(?:\.\d+)*)\s*=\s*/.exec(rest);
    if (!type) return undefined;
    rest = rest.slice(type[0].length);
    const value = /^(?:\\(?:[0-9A-Fa-f]{2}|[ "#+,;<>=\\])|[^\\"+,;<>\0])*/.exec(rest)?.[0] ?? '';
    rest = rest.slice(value.length);
    parts.push(`${type[1]?.toLowerCase()}=${escapeDnValue(foldValue(unescapeDnValue(value)))}`);
    const [separator] = rest;
    if (separator !== undefined && separator !== ',' && separator !== '+') return undefined;
    rest = rest.slice(1);
    if (separator !== undefined && rest.trim() === '') return undefined;
    if (separator === '+') continue;
    rdns.push(parts.sort().join('+'));
    parts = [];
  }
  return rdns.length > 0 ? rdns.join(',') : undefined;
}

/** Equal under caseIgnoreMatch (RFC 4517 section 4.2.11), as far as names of groups go. */
function foldValue(value: string): string {
  return value.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}

/** Unescaped spaces around a value do not belong to it. */
function unescapeDnValue(value: string): string {
  const bytes: number[] = [];
  const trimmed = value.replace(/(?<!\\)\s+$/, '');
  for (let index = 0; index < trimmed.length; index += 1) {
    if (trimmed[index] !== '\\') {
      const character = String.fromCodePoint(trimmed.codePointAt(index) ?? 0);
      bytes.push(...Buffer.from(character));
      index += character.length - 1;
      continue;
    }
    const hex = /^[0-9A-Fa-f]{2}/.exec(trimmed.slice(index + 1))?.[0];
    bytes.push(hex === undefined ? trimmed.charCodeAt(index + 1) : Number.parseInt(hex, 16));
    index += hex === undefined ? 1 : 2;
  }
  return Buffer.from(bytes).toString('utf8');
}
