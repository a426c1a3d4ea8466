/** The settings in the address of the page: no script, no secret, nothing of what came of a run. */
export interface Settings {
  readonly tenant?: string;
  readonly flow?: string;
  readonly client?: string;
  readonly user?: string;
  readonly provider?: string;
  readonly scopes?: string;
  readonly launch?: string;
  readonly now?: string;
  readonly decisions?: Readonly<Record<string, string>>;
}

const plain = ['tenant', 'flow', 'client', 'user', 'provider', 'scopes', 'launch', 'now'] as const;
const decision = 'decide.';

export function linkOf(settings: Settings): string {
  const fragment = new URLSearchParams();
  for (const name of plain) {
    const value = settings[name];
    if (value) fragment.set(name, value);
  }
  for (const [state, word] of Object.entries(settings.decisions ?? {})) fragment.set(`${decision}${state}`, word);
  return `${location.origin}${location.pathname}#${fragment}`;
}

export function settingsIn(fragment: string): Settings {
  const read = new URLSearchParams(fragment.replace(/^#/, ''));
  const known = plain.flatMap((name) => {
    const value = read.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  const decisions = [...read].flatMap(([name, value]) =>
    name.startsWith(decision) ? [[name.slice(decision.length), value] as const] : [],
  );
  return { ...Object.fromEntries(known), decisions: Object.fromEntries(decisions) };
}
