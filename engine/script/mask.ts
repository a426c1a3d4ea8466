/** Takes secrets out of what a script says: as they are, and in the forms they travel in. */

/** @returns a function that puts `***` for every occurrence; with no secrets it answers the text as it is. */
export function createMask(secrets: readonly string[]): (text: string) => string {
  const forms = new Set(
    secrets.flatMap((secret) => {
      const bytes = Buffer.from(secret);
      return [
        secret,
        encodeURIComponent(secret),
        JSON.stringify(secret).slice(1, -1),
        bytes.toString('base64'),
        bytes.toString('base64url'),
        bytes.toString('hex'),
      ];
    }),
  );
  forms.delete('');
  if (forms.size === 0) return (text) => text;
  // The longest first, so that no part of one is left behind by a shorter one.
  const ordered = [...forms].sort((a, b) => b.length - a.length);
  return (text) => ordered.reduce((masked, form) => masked.replaceAll(form, '***'), text);
}

/** The same for everything within a JSON value, names of members included. */
export function maskJson<Value>(value: Value, mask: (text: string) => string): Value {
  if (typeof value === 'string') return mask(value) as Value;
  if (Array.isArray(value)) return value.map((each: unknown) => maskJson(each, mask)) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [mask(name), maskJson(each as unknown, mask)]),
  ) as Value;
}
