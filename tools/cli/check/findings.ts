/** What the type check found, as `sallyport check` tells it. */
import { join } from 'node:path';
import type { Script } from '../../../engine/tenant/tenant.ts';
import { checkTypes } from './types.ts';

export interface Finding {
  readonly message: string;
  readonly hint: string;
}

export interface Findings {
  readonly errors: Finding[];
  readonly warnings: Finding[];
  /** What is right, and yet other than in Smile CDR. */
  readonly notes: Finding[];
}

/** Checks the scripts of one tenant together and adds what it finds. */
export async function addTypeFindings(folder: string, scripts: readonly Script[], findings: Findings): Promise<void> {
  const report = await checkTypes(scripts);
  if (!report) {
    const message = 'TypeScript is not installed, so the types of scripts were not checked.';
    if (!findings.notes.some((note) => note.message === message))
      findings.notes.push({ message, hint: 'npm install typescript' });
    return;
  }
  const placeOf = ({ file, line, column }: { file: string; line: number; column: number }) =>
    `${join(folder, file)}:${line}:${column}`;
  for (const problem of report.problems) {
    const place = placeOf(problem);
    const isTold = findings.errors.some(({ message }) => message.startsWith(`${place}: `));
    if (problem.severity === 'warning') {
      if (!isTold) findings.warnings.push({ message: `${place}: ${problem.message}`, hint: '' });
    } else {
      findings.errors.push({ message: `${place}: ${problem.message}`, hint: `(${problem.code})` });
      // What types prove need not be guessed as well.
      const guessed = findings.warnings.findIndex(({ message }) => message.startsWith(`${place}: `));
      if (guessed >= 0) findings.warnings.splice(guessed, 1);
    }
  }
  for (const use of report.uses) {
    if (use.compatibility === 'missing')
      findings.warnings.push({ message: `${placeOf(use)}: ${use.name} is not supported.`, hint: use.note });
    else findings.notes.push({ message: `${placeOf(use)}: ${use.name} differs from Smile CDR.`, hint: use.note });
  }
}
