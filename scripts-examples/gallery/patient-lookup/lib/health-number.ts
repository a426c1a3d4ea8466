/** The number as records have it: cards write it with spaces or in lower case; undefined for what is none. */
export function readHealthNumber(claim: unknown): string | undefined {
  if (typeof claim !== 'string') return undefined;
  const number = claim.replace(/\s/g, '').toUpperCase();
  return /^N-\d{6}$/.test(number) ? number : undefined;
}
