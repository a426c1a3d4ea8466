/** Says where in a text a mark stands, so that tests need not count. */
export function placeOf(source: string, mark: string): { readonly line: number; readonly column: number } {
  const at = source.indexOf(mark);
  if (at < 0) throw new Error(`${mark} does not stand in the text`);
  const before = source.slice(0, at).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}
