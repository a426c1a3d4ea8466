/** Dates as people type them. */

/**
 * The ISO dates a word may mean: `1984-06-02`, `2.6.1984`, or with slashes in either order. Empty where it is no date.
 */
export function datesOf(word: string): readonly string[] {
  if (/^\d{4}-\d{2}-\d{2}$/.test(word)) return [word].filter(isDate);
  const [, one = '', mark = '', other = '', year = ''] = /^(\d{1,2})([./])(\d{1,2})[./](\d{4})$/.exec(word) ?? [];
  if (year === '') return [];
  const date = (day: string, month: string) => `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  return [...new Set(mark === '.' ? [date(one, other)] : [date(one, other), date(other, one)])].filter(isDate);
}

function isDate(text: string): boolean {
  const at = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}
