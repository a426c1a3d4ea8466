/** What an import did, line by line: each with the file and the property or JSON pointer it is about. Never holds a value. */

/** `carried`: means the same here. `differs`: there is something in its place. `missing`: nothing here does that. */
export type Outcome = 'carried' | 'differs' | 'missing';

export interface Finding {
  readonly outcome: Outcome;
  readonly file: string;
  /** A property's name or a JSON pointer. */
  readonly place: string;
  readonly text: string;
}

/** What keeps the import from being done at all. */
export interface Fault {
  readonly file: string;
  readonly place: string;
  readonly text: string;
}

const sections: readonly (readonly [Outcome, string, string])[] = [
  ['missing', 'Missing', 'Sallyport has nothing for these. Each says what to do instead.'],
  ['differs', 'Differs', 'There is something in their place that does not mean quite the same.'],
  ['carried', 'Carried over', 'These mean the same here.'],
];

/** More places than these are counted only. */
const mostPlaces = 12;

export class Report {
  readonly findings: Finding[] = [];
  readonly faults: Fault[] = [];
  /** What a person has to do before the first start, each with the reason. */
  readonly steps: string[] = [];

  add(outcome: Outcome, file: string, place: string, text: string): void {
    this.findings.push({ outcome, file, place, text });
  }

  fault(file: string, place: string, text: string): void {
    if (!this.faults.some((fault) => fault.file === file && fault.place === place && fault.text === text))
      this.faults.push({ file, place, text });
  }

  step(text: string): void {
    if (!this.steps.includes(text)) this.steps.push(text);
  }
}

/** Findings that say the same of several places of one file are one line. */
function grouped(findings: readonly Finding[]): readonly string[] {
  const groups = new Map<string, { readonly file: string; readonly text: string; readonly places: string[] }>();
  for (const { file, place, text } of findings) {
    const key = JSON.stringify([file, text]);
    const group = groups.get(key) ?? { file, text, places: [] };
    group.places.push(place);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ file, text, places }) => {
    const named = places.slice(0, mostPlaces).map((place) => `\`${place}\``);
    const more = places.length > mostPlaces ? ` and ${places.length - mostPlaces} more` : '';
    return `- ${file} ${named.join(', ')}${more}: ${text}`;
  });
}

/** The report as Markdown, for the screen and for `import-report.md` alike. */
export function renderReport(
  report: Report,
  imported: { readonly files: readonly string[]; readonly tenants: readonly (readonly [id: string, issuer: string])[] },
): string {
  const parts = [
    '# Import from Smile CDR',
    `Read: ${imported.files.map((file) => `\`${file}\``).join(', ')}.`,
    `Made: ${imported.tenants.map(([id, issuer]) => `the tenant \`${id}\` (${issuer})`).join(', ')}.`,
    'What the properties and fields mean here stands in docs/moving-from-smile-cdr.md.',
  ];
  if (report.steps.length > 0)
    parts.push(`## Before the first start\n\n${report.steps.map((step) => `- ${step}`).join('\n')}`);
  for (const [outcome, title, words] of sections) {
    const lines = grouped(report.findings.filter((finding) => finding.outcome === outcome));
    if (lines.length > 0) parts.push(`## ${title}\n\n${words}\n\n${lines.join('\n')}`);
  }
  return `${parts.join('\n\n')}\n`;
}
