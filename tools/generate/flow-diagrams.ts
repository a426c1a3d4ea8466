/** Writes `docs/flows.md`: each flow's diagram and states, read off the table that the machine itself walks. */
import { writeFile } from 'node:fs/promises';
import { accountLink } from '../../engine/flow/account-link.ts';
import { backendServices } from '../../engine/flow/backend-services.ts';
import { clientCredentials } from '../../engine/flow/client-credentials.ts';
import { codap } from '../../engine/flow/codap.ts';
import { federated } from '../../engine/flow/federated.ts';
import { interactive } from '../../engine/flow/interactive.ts';
import { refresh } from '../../engine/flow/refresh.ts';
import { selfRegistration } from '../../engine/flow/self-registration.ts';
import type { AnyState, Flow } from '../../engine/flow/table.ts';

type Drawn = Pick<Flow, 'title' | 'first' | 'states'> & { readonly about: string };

/** In the order a newcomer meets them. The federated log-in is a part of the interactive flow, drawn by itself as well. */
const drawn: readonly Drawn[] = [
  {
    ...interactive,
    about:
      'A person lets an app in: the authorization code grant with SMART launch, context, terms and consent. The states ' +
      'from `provider chosen` to `user linked` are the federated log-in, drawn below by itself.',
  },
  {
    title: 'Federated log-in',
    first: 'provider chosen',
    states: federated,
    about:
      'The part of the interactive flow that hands the log-in to a foreign OpenID Provider. It goes on at `second factor sought`.',
  },
  { ...clientCredentials, about: 'A client acts for itself and proves who it is by its secret.' },
  {
    ...backendServices,
    about: 'A client acts for itself and proves who it is by a signed JWT (SMART Backend Services).',
  },
  { ...codap, about: "Another organisation's system asks on behalf of its own user." },
  { ...refresh, about: 'The continuation of a flow that granted a refresh token.' },
  { ...accountLink, about: 'A person who is logged in, and has just given their password, links a provider account.' },
  {
    ...selfRegistration,
    about: 'Somebody who registered has opened the link in the mail and chosen a password. No app takes part.',
  },
];

function idOf(name: string): string {
  return name.replace(/[^a-z]+/gi, '_');
}

function leadsOf(state: AnyState): readonly (readonly [outcome: string, next: string])[] {
  return 'leads' in state ? Object.entries(state.leads) : [];
}

/** The diagram as Mermaid text. A state that another table holds is drawn as a plain exit. */
export function diagramOf({ first, states }: Pick<Flow, 'first' | 'states'>): string {
  const lines = ['stateDiagram-v2', `  [*] --> ${idOf(first)}`];
  const names = new Set([
    ...Object.keys(states),
    ...Object.values(states).flatMap((state) => leadsOf(state).map(([, next]) => next)),
  ]);
  for (const name of names) {
    const state = states[name];
    const label = state?.kind === 'hook' ? `${name}\\n(${state.binding.hook})` : name;
    lines.push(`  ${idOf(name)} : ${label}`);
  }
  for (const [name, state] of Object.entries(states)) {
    for (const [outcome, next] of leadsOf(state)) lines.push(`  ${idOf(name)} --> ${idOf(next)} : ${outcome}`);
    if (state.kind === 'end') lines.push(`  ${idOf(name)} --> [*]`);
  }
  lines.push(
    '  classDef hook fill:#fde68a,stroke:#b45309,color:#111827',
    '  classDef wait fill:#bfdbfe,stroke:#1d4ed8,color:#111827',
  );
  for (const kind of ['hook', 'wait'] as const) {
    const members = Object.keys(states).filter((name) => states[name]?.kind === kind);
    if (members.length > 0) lines.push(`  class ${members.map(idOf).join(', ')} ${kind}`);
  }
  return lines.join('\n');
}

function rowOf([name, state]: [string, AnyState]): string {
  const kind =
    state.kind === 'wait'
      ? `wait for the ${state.waitsFor}`
      : state.kind === 'hook'
        ? `hook \`${state.binding.hook}\``
        : state.kind;
  const leads = leadsOf(state).map(([outcome, next]) => `${outcome} → ${next}`);
  return `| ${name} | ${kind} | ${state.does} | ${leads.join('<br>') || '—'} |`;
}

/** The whole page, for writing and for the test that finds it stale. */
export function flowsPage(): string {
  const sections = drawn.map(
    (flow) => `## ${flow.title}

${flow.about}

\`\`\`mermaid
${diagramOf(flow)}
\`\`\`

| state | kind | what happens | leads to |
|---|---|---|---|
${Object.entries(flow.states).map(rowOf).join('\n')}
`,
  );
  return `<!-- Generated from the tables in engine/flow/ by \`npm run generate\`. Do not edit. -->

# The flows

Each flow is a table of states in \`engine/flow/\`; this page is read off those tables. A **step** runs and moves on. A
**wait** (blue) is stored and goes on when a person, a provider or the app answers. At a **hook** (yellow) the tenant's
callback runs, if it has one. Any state may also end the flow: every refusal, denial and fault leaves by one exit, which
answers the app (or shows a page where the app must not be told), writes an audit event and keeps the trace.

${sections.join('\n')}`;
}

if (process.argv[1] && import.meta.filename === process.argv[1]) {
  await writeFile(new URL('../../docs/flows.md', import.meta.url), flowsPage());
}
