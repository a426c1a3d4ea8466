/** Why the admin API refuses, as problem details (RFC 9457). */
import type { Problem } from '../tenant/problem.ts';

export interface AdminProblem {
  readonly status: 400 | 401 | 403 | 404 | 409 | 413 | 415 | 500;
  /** Stable, for programs. */
  readonly code: string;
  /** One sentence for a person. */
  readonly detail: string;
  readonly hint?: string;
  /** Each violation of a document, with a JSON pointer into the request's body. */
  readonly problems?: readonly Pick<Problem, 'code' | 'pointer' | 'found' | 'expected' | 'hint'>[];
}

const titles: Readonly<Record<AdminProblem['status'], string>> = {
  400: 'Bad request',
  401: 'Not authenticated',
  403: 'Not permitted',
  404: 'Not found',
  409: 'Conflict',
  413: 'Too large',
  415: 'Unsupported media type',
  500: 'Server error',
};

export function refuse(
  status: AdminProblem['status'],
  code: string,
  detail: string,
  more: Pick<AdminProblem, 'hint' | 'problems'> = {},
): { readonly problem: AdminProblem } {
  return { problem: { status, code, detail, ...more } };
}

export function notFound(what: string, id: string) {
  return refuse(404, `${what}-unknown`, `There is no ${what} ${JSON.stringify(id)}.`);
}

/** All violations of a request's body at once. */
export function invalid(problems: readonly Problem[]) {
  return refuse(400, 'body-invalid', 'The body is not what this call takes.', {
    problems: problems.map(({ code, pointer, found, expected, hint }) => ({ code, pointer, found, expected, hint })),
  });
}

/** The body of an `application/problem+json` answer. */
export function problemDocument({ status, ...rest }: AdminProblem): object {
  return { type: 'about:blank', title: titles[status], status, ...rest };
}
