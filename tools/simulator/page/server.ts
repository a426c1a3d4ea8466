/** Talks to the server that gave this page, and shows it the token of its start. */
import type { Answer, Fault, LineFault, Setting, ShownTenant } from '../shown.ts';

const key = 'sallyport-simulator-token';

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
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get('token');
  if (token === null) return;
  localStorage.setItem(key, token);
  fragment.delete('token');
  history.replaceState(null, '', fragment.size > 0 ? `#${fragment}` : location.pathname);
}

async function ask<Value>(method: string, path: string, body?: object): Promise<Value> {
  const response = await fetch(`/api/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${localStorage.getItem(key) ?? ''}`,
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  }).catch(() => {
    throw new Refusal(0, { message: 'The simulator does not answer.', hint: 'is it still running in its terminal?' });
  });
  if (response.status === 204) return undefined as Value;
  const answer = (await response.json()) as unknown;
  if (!response.ok) throw new Refusal(response.status, answer as Fault);
  return answer as Value;
}

/** What a run is made of: a plan as the `given` of a case, and the scripts as the editor has them. */
export interface Wish {
  readonly plan: object;
  readonly texts: Readonly<Record<string, string>>;
}

const of = (tenant: string, what = '') => `tenants/${encodeURIComponent(tenant)}${what}`;

export const server = {
  setting: () => ask<Setting>('GET', 'setting'),
  tenant: (tenant: string) => ask<ShownTenant>('GET', of(tenant)),
  run: (tenant: string, wish: Wish) => ask<Answer>('POST', of(tenant, '/run'), wish),
  step: (tenant: string, wish: Wish) => ask<Answer>('POST', of(tenant, '/step'), wish),
  /** @param input in place of the one that the callback would get. */
  goOn: (step: string, input?: unknown) => ask<Answer>('POST', `steps/${step}`, input === undefined ? {} : { input }),
  stop: (step: string) => ask<undefined>('DELETE', `steps/${step}`),
  check: (tenant: string, texts: Wish['texts']) =>
    ask<{ readonly faults: readonly LineFault[] }>('POST', of(tenant, '/check'), { texts }),
  saveFile: (tenant: string, file: { readonly name: string; readonly text: string; readonly before: string }) =>
    ask<{ readonly file: string }>('PUT', of(tenant, '/file'), file),
  saveCase: (tenant: string, wish: Wish & { readonly name: string }) =>
    ask<{ readonly file: string } | Extract<Answer, { kind: 'faults' }>>('POST', of(tenant, '/cases'), wish),
};
