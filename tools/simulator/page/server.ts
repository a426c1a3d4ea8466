/** Talks to the server that gave this page, and shows it the token of its start. */
import type { Trace } from '../../../engine/flow/trace.ts';
import type {
  Answer,
  Comparison,
  Fault,
  LineFault,
  ListedTrace,
  ReplayAnswer,
  Setting,
  ShownTenant,
} from '../shown.ts';

const key = 'sallyport-simulator-token';
const meta = document.querySelector<HTMLMetaElement>('meta[name=simulator]');
/** The path that the page is served below. */
export const base = meta?.dataset['base'] ?? '';
/** Whether the tenants are those of a running server, and not of a folder. */
export const onServer = meta?.content === 'on a server';
let csrf = '';

/** What the server refuses. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, { message, hint }: Fault) {
    super(hint ? `${message} Hint: ${hint}.` : message);
    this.status = status;
  }
}

/** The token comes once, in the fragment of the printed address, and leaves the address bar at once. */
export function takeToken(): void {
  if (onServer) return;
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get('token');
  if (token === null) return;
  localStorage.setItem(key, token);
  fragment.delete('token');
  history.replaceState(null, '', fragment.size > 0 ? `#${fragment}` : location.pathname);
}

async function ask<Value>(method: string, path: string, body?: object): Promise<Value> {
  const response = await fetch(`${base}/api/${path}`, {
    method,
    headers: {
      // Of a running server's administrators the browser knows who they are.
      ...(onServer ? { 'x-csrf-token': csrf } : { authorization: `Bearer ${localStorage.getItem(key) ?? ''}` }),
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  }).catch(() => {
    throw new Refusal(0, {
      message: 'The simulator does not answer.',
      hint: onServer ? 'is the server still running?' : 'is it still running in its terminal?',
    });
  });
  if (response.status === 204) return undefined as Value;
  const answer = (await response.json()) as unknown;
  if (!response.ok) throw new Refusal(response.status, answer as Fault);
  return answer as Value;
}

/** The scripts as the editor has them; on a server with the script and version that they are edited texts of. */
export interface Scripts {
  readonly texts: Readonly<Record<string, string>>;
  readonly slot?: string;
  readonly version?: string;
}

/** What a run is made of: a plan as the `given` of a case, and the scripts. */
export interface Wish extends Scripts {
  readonly plan: object;
}

/** A case that a running server made, to be kept by who asked. */
export interface MadeCase {
  readonly kind: 'case';
  readonly made: { readonly name: string };
}

const of = (tenant: string, what = '') => `tenants/${encodeURIComponent(tenant)}${what}`;

export const server = {
  async setting() {
    const setting = await ask<Setting>('GET', 'setting');
    csrf = setting.csrf;
    return setting;
  },
  tenant: (tenant: string, chosen: { readonly slot?: string; readonly version?: string } = {}) =>
    ask<ShownTenant>('GET', of(tenant, `?${new URLSearchParams({ ...chosen })}`)),
  run: (tenant: string, wish: Wish) => ask<Answer>('POST', of(tenant, '/run'), wish),
  step: (tenant: string, wish: Wish) => ask<Answer>('POST', of(tenant, '/step'), wish),
  /** @param input in place of the one that the callback would get. */
  goOn: (step: string, input?: unknown) => ask<Answer>('POST', `steps/${step}`, input === undefined ? {} : { input }),
  stop: (step: string) => ask<undefined>('DELETE', `steps/${step}`),
  traces: (tenant: string, query: Readonly<Record<string, string>>) =>
    ask<{ readonly items: readonly ListedTrace[] }>('GET', of(tenant, `/traces?${new URLSearchParams(query)}`)),
  comparisons: (tenant: string, slot: string) =>
    ask<{ readonly items: readonly Comparison[] }>('GET', of(tenant, `/comparisons?${new URLSearchParams({ slot })}`)),
  trace: (tenant: string, id: string) => ask<Trace>('GET', of(tenant, `/traces/${encodeURIComponent(id)}`)),
  replay: (tenant: string, trace: Trace, scripts: Scripts) =>
    ask<ReplayAnswer>('POST', of(tenant, '/replay'), { ...scripts, trace }),
  check: (tenant: string, scripts: Scripts) =>
    ask<{ readonly faults: readonly LineFault[] }>('POST', of(tenant, '/check'), scripts),
  saveFile: (tenant: string, file: { readonly name: string; readonly text: string; readonly before: string }) =>
    ask<{ readonly file: string }>('PUT', of(tenant, '/file'), file),
  format: (tenant: string, file: { readonly name: string; readonly text: string }) =>
    ask<{ readonly text: string }>('POST', of(tenant, '/format'), file),
  saveCase: (tenant: string, wish: Wish & { readonly name: string }) =>
    ask<{ readonly file: string } | MadeCase | Extract<Answer, { kind: 'faults' }>>('POST', of(tenant, '/cases'), wish),
  saveVersion: (tenant: string, version: Scripts & { readonly note: string; readonly activate: boolean }) =>
    ask<{ readonly hash: string; readonly new: boolean; readonly warnings: readonly string[] }>(
      'POST',
      of(tenant, '/versions'),
      version,
    ),
};
