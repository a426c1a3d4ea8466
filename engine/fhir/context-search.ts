/** Finds what a person may choose of one kind of context, on the FHIR server itself. */
import type { ContextFound, ContextSearchPort } from '../flow/ports.ts';
import { createGate, type Gate } from '../script/gate.ts';
import type { ContextChoice } from '../script/model.ts';
import type { CallContext } from '../script/service/context.ts';
import { searchFhir } from '../script/service/fhir.ts';
import type { ContextSearch, FhirServer, Tenant } from '../tenant/tenant.ts';
import { choiceOf } from './choice.ts';
import { readBundle, type SearchBundle } from './resource.ts';
import { conditionsOf, conditionsOfText, type Pair } from './search-query.ts';

/** A server may answer in smaller parts than it was asked for; no more of them are read for one page. */
const mostBundles = 25;
/** Who has not found it on so many pages had better search. */
export const lastPage = 20;

const nothing: ContextFound = { ok: true, choices: [], more: false, total: 0 };

/** Why a search found nothing out. */
interface Failure {
  readonly problem: string;
  readonly status?: number;
  /** Names of search parameters that the server took no notice of. */
  readonly ignored?: string;
}

export function createContextSearch(parts: {
  context(tenant: Tenant): CallContext;
  log(tenant: Tenant, message: string, fields: Readonly<Record<string, unknown>>): void;
}): ContextSearchPort {
  const gates = new WeakMap<Tenant, Gate>();

  return {
    async find(input) {
      const { tenant, server, search } = input;
      const gate = gates.get(tenant) ?? createGate();
      gates.set(tenant, gate);
      const failed = (failure: Failure): ContextFound => {
        // Neither what was asked nor what was answered: both tell of people.
        parts.log(tenant, 'a search for choices of a context failed', {
          server: server.name,
          resourceType: search.resourceType,
          ...failure,
        });
        return { ok: false };
      };
      // As many wait as are under way: nobody looks at an empty page for longer than two searches may take.
      const { concurrency } = tenant.scriptLimits;
      if (!(await gate.enter(concurrency, concurrency))) return failed({ problem: 'overloaded' });
      try {
        const found = await searchPages(input, parts.context(tenant));
        return 'problem' in found ? failed(found) : found;
      } catch (error) {
        return failed({ problem: error instanceof Error ? error.name : 'unknown' });
      } finally {
        gate.leave();
      }
    },
  };
}

async function searchPages(
  { tenant, server, search, gaps, text = '', page = 1, id }: Parameters<ContextSearchPort['find']>[0],
  context: CallContext,
): Promise<ContextFound | Failure> {
  const own = conditionsOf(search, gaps);
  const typed = conditionsOfText(search, text);
  if (!own || !typed) return nothing;
  const conditions = [...own, ...typed, ...(id === undefined ? [] : [['_id', id] as const])];
  const { pageSize } = search;
  const first = (Math.min(page, lastPage) - 1) * pageSize;
  const until = Date.now() + tenant.scriptLimits.wallMilliseconds;
  const choices = new Map<string, ContextChoice>();
  let total: number | undefined;
  let url: string | undefined = addressOf(server, search, conditions);
  for (let bundles = 0; url !== undefined && choices.size < first + pageSize && bundles < mostBundles; bundles += 1) {
    if (!isBelow(url, server.url)) return { problem: 'foreign-next' };
    const left = until - Date.now();
    if (left <= 0) return { problem: 'timeout' };
    const answer = await searchFhir(server, url, context, left);
    if (!answer.ok)
      return { problem: answer.problem, ...(answer.status === undefined ? {} : { status: answer.status }) };
    const bundle = readBundle(answer.body, search.resourceType);
    if (!bundle) return { problem: 'no-bundle' };
    const ignored = bundles === 0 ? ignoredBy(bundle, conditions) : [];
    if (ignored.length > 0) return { problem: 'ignored-parameters', ignored: ignored.join(', ') };
    total ??= bundle.total;
    for (const resource of bundle.resources) {
      const choice = choiceOf(resource, server.url, search.identifierSystem);
      if (choice && (id === undefined || choice.resourceId === id)) choices.set(choice.resourceId, choice);
    }
    url = bundle.next;
  }
  return {
    ok: true,
    choices: [...choices.values()].slice(first, first + pageSize),
    more: url !== undefined || choices.size > first + pageSize,
    ...(total === undefined ? {} : { total }),
  };
}

function addressOf(server: FhirServer, { resourceType, pageSize }: ContextSearch, conditions: readonly Pair[]): string {
  const query = new URLSearchParams([
    ...conditions.map(([name, value]) => [name, value]),
    ['_count', String(pageSize)],
  ]);
  return `${server.url.replace(/\/$/, '')}/${resourceType}?${query}`;
}

/** These shape the answer and choose nothing. */
const shaping = ['_sort', '_count', '_total', '_elements', '_include', '_revinclude', '_contained', '_pretty'];

/** Conditions that the server did not heed: its `self` link tells the search it made (FHIR R4, section 3.1.1.6). */
function ignoredBy({ self }: SearchBundle, conditions: readonly Pair[]): readonly string[] {
  if (self === undefined) return [];
  const plain = (name: string) => name.split(/[:.]/, 1)[0] ?? name;
  const [, query = ''] = self.split('?', 2);
  const heeded = new Set([...new URLSearchParams(query).keys()].map(plain));
  const names = new Set(conditions.map(([name]) => plain(name)));
  return [...names].filter((name) => !heeded.has(name) && !shaping.includes(name));
}

/** Whether an address is the server's own: no link leads the tenant's credential elsewhere. */
function isBelow(address: string, server: string): boolean {
  if (!URL.canParse(address) || !URL.canParse(server)) return false;
  const [at, own] = [new URL(address), new URL(server)];
  const root = own.pathname.replace(/\/$/, '');
  return (
    at.origin === own.origin &&
    at.username === '' &&
    at.password === '' &&
    (at.pathname === root || at.pathname.startsWith(`${root}/`))
  );
}
