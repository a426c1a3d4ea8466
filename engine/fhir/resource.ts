/** What the engine reads of a FHIR resource, and of a Bundle of them. Nothing of what a server says is believed unread. */
import type { Json } from '../script/runner.ts';

export type Resource = Readonly<Record<string, Json>> & { readonly resourceType: string; readonly id: string };

export interface SearchBundle {
  readonly resources: readonly Resource[];
  readonly total?: number;
  readonly next?: string;
  /** The search as the server understood it. */
  readonly self?: string;
}

type Members = Readonly<Record<string, Json | undefined>>;

/** The members of an object; none of anything else. */
export function members(value: Json | undefined): Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

export function items(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

const isId = /^[A-Za-z0-9.-]{1,64}$/;

/**
 * Reads the answer to a search. Resources of other types (`_include`, an OperationOutcome) are left out.
 * @returns undefined where it is none.
 */
export function readBundle(body: Json, resourceType: string): SearchBundle | undefined {
  const bundle = members(body);
  if (bundle['resourceType'] !== 'Bundle' || bundle['type'] !== 'searchset') return undefined;
  const { total } = bundle;
  const link = (relation: string) =>
    items(bundle['link'])
      .map(members)
      .find((each) => each['relation'] === relation)?.['url'];
  const [next, self] = [link('next'), link('self')];
  const resources = items(bundle['entry']).flatMap((entry) => {
    const { resource, search } = members(entry);
    const { mode } = members(search);
    const read = members(resource);
    const fits = read['resourceType'] === resourceType && typeof read['id'] === 'string' && isId.test(read['id']);
    return fits && (mode === undefined || mode === 'match') ? [read as unknown as Resource] : [];
  });
  return {
    resources,
    ...(typeof total === 'number' && Number.isSafeInteger(total) && total >= 0 ? { total } : {}),
    ...(typeof next === 'string' ? { next } : {}),
    ...(typeof self === 'string' ? { self } : {}),
  };
}

/** The type and the id of a reference to this server: `Patient/jane`, or below the server's address. */
export function ownReference(
  reference: string | undefined,
  server: string,
): { readonly type: string; readonly id: string } | undefined {
  const root = `${server.replace(/\/$/, '')}/`;
  const local = reference?.startsWith(root) === true ? reference.slice(root.length) : reference;
  const [, type, id] = /^([A-Z][A-Za-z]{1,63})\/([A-Za-z0-9.-]{1,64})$/.exec(local ?? '') ?? [];
  return type === undefined || id === undefined ? undefined : { type, id };
}
