/** What ran of the callbacks, for a person and for programs. */
import type { Branch } from './instrument.ts';
import type { CoveredFile } from './runner.ts';

interface Share {
  readonly covered: number;
  readonly all: number;
}

interface Summary {
  readonly path: string;
  readonly lines: Share;
  readonly branches: Share;
  readonly uncovered: readonly number[];
  readonly untaken: readonly Branch[];
}

/** In how many runs the lines were reached on which a statement begins. */
function linesOf({ statements, hits }: CoveredFile): ReadonlyMap<number, number> {
  const lines = new Map<number, number>();
  for (const [point, { line }] of statements) lines.set(line, Math.max(lines.get(line) ?? 0, hits.get(point) ?? 0));
  return new Map([...lines].sort(([a], [b]) => a - b));
}

function summaryOf(file: CoveredFile): Summary {
  const lines = [...linesOf(file)];
  const untaken = file.branches.filter(({ point }) => !file.hits.has(point));
  const uncovered = lines.filter(([, count]) => count === 0).map(([line]) => line);
  return {
    path: file.path,
    lines: { covered: lines.length - uncovered.length, all: lines.length },
    branches: { covered: file.branches.length - untaken.length, all: file.branches.length },
    uncovered,
    untaken,
  };
}

function sum(shares: readonly Share[]): Share {
  return shares.reduce((all, each) => ({ covered: all.covered + each.covered, all: all.all + each.all }), {
    covered: 0,
    all: 0,
  });
}

function percentOf({ covered, all }: Share): number {
  return all === 0 ? 100 : (covered / all) * 100;
}

/** Rounded down: what is not all is not 100. */
function percent(share: Share): string {
  return (Math.floor(percentOf(share) * 100) / 100).toFixed(2);
}

/** Lines that follow each other as one stretch. Lines between them on which no statement begins count as theirs. */
function stretches(uncovered: readonly number[], all: readonly number[]): readonly string[] {
  const told: (readonly [number, number])[] = [];
  for (const line of uncovered) {
    const [first, last] = told.at(-1) ?? [0, 0];
    const follows = told.length > 0 && !all.some((each) => each > last && each < line);
    if (follows) told[told.length - 1] = [first, line];
    else told.push([line, line]);
  }
  return told.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
}

/** A table with a row for each file, and one for all of them together. */
export function* coverageLines(files: readonly CoveredFile[]): Generator<string> {
  const summaries = files.map(summaryOf);
  const rows = [
    ['file', 'lines %', 'branches %', 'uncovered lines', 'branches not taken'],
    ...summaries.map(({ path, lines, branches, uncovered, untaken }, index) => [
      path,
      percent(lines),
      percent(branches),
      stretches(uncovered, [...linesOf(files[index] as CoveredFile).keys()]).join(' '),
      untaken.map(({ line, way }) => `${line} ${way}`).join(', '),
    ]),
    [
      'all files',
      percent(sum(summaries.map(({ lines }) => lines))),
      percent(sum(summaries.map(({ branches }) => branches))),
      '',
      '',
    ],
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const rule = `${widths.map((width) => '-'.repeat(width)).join('-|-')}-|-------------------`;
  for (const [index, row] of rows.entries()) {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column === 1 || column === 2 ? cell.padStart(width) : cell.padEnd(width);
    });
    if (index === rows.length - 1) yield rule;
    yield cells.join(' | ').trimEnd();
    if (index === 0) yield rule;
  }
}

/** What of all files together is below the least: a sentence for each of lines and branches. */
export function tooLittle(files: readonly CoveredFile[], least: number): readonly string[] {
  const summaries = files.map(summaryOf);
  const of = { lines: summaries.map(({ lines }) => lines), branches: summaries.map(({ branches }) => branches) };
  return Object.entries(of).flatMap(([name, shares]) => {
    const share = sum(shares);
    return percentOf(share) < least ? [`${percent(share)} % of the ${name} are covered, less than ${least} %.`] : [];
  });
}

/** The form that editors and build servers read. Counts are of the runs that reached a place. */
export function lcovOf(files: readonly CoveredFile[]): string {
  return files
    .map((file) => {
      const lines = linesOf(file);
      const { lines: ofLines, branches } = summaryOf(file);
      const numbers = new Map<number, number>();
      const records = file.branches.map(({ fork, line, point }) => {
        const number = numbers.get(fork) ?? 0;
        numbers.set(fork, number + 1);
        const reached = (lines.get(line) ?? 1) > 0;
        return `BRDA:${line},${fork},${number},${file.hits.get(point) ?? (reached ? 0 : '-')}`;
      });
      return [
        'TN:',
        `SF:${file.path}`,
        ...[...lines].map(([line, count]) => `DA:${line},${count}`),
        `LF:${ofLines.all}`,
        `LH:${ofLines.covered}`,
        ...records,
        `BRF:${branches.all}`,
        `BRH:${branches.covered}`,
        'end_of_record\n',
      ].join('\n');
    })
    .join('');
}
