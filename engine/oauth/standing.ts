/** Where an interactive flow stands for somebody who comes back to it: by a double click, the back button or an old link. */
import { setTimeout } from 'node:timers/promises';
import { interactive } from '../flow/interactive.ts';
import { resumeFlow } from '../flow/machine.ts';
import type { Ports } from '../flow/ports.ts';
import type { StoredFlow } from '../store/store.ts';

/** Longer than any callback may run. A flow that does not settle by then was left behind by a server that died. */
const pauses = [25, 50, 100, 200, 400, 800, 1600, 3200];

/** The flow at its next wait or its end, once the request that moves it at this moment has brought it there. */
export async function settled(flowId: string, ports: Ports): Promise<StoredFlow | undefined> {
  let flow = await ports.store.flows.find(ports.tenant.id, flowId);
  for (const pause of pauses) {
    if (!flow || !isMoving(flow)) return flow;
    await setTimeout(pause);
    flow = await ports.store.flows.find(ports.tenant.id, flowId);
  }
  return flow;
}

function isMoving({ state }: StoredFlow): boolean {
  const kind = interactive.states[state]?.kind;
  return kind === 'step' || kind === 'hook';
}

/** Whether the person was sent to a provider; with `state`, whether by the very request that had this state. */
export function atProvider(flow: StoredFlow, state?: string): boolean {
  if (flow.state !== 'at the provider') return false;
  const { pending } = flow.facts as { pending?: { state: string } };
  return state === undefined || pending?.state === state;
}

/** A form of the log-in page from somebody who was sent to a provider already: they came back to choose again. */
export async function backFromProvider(flow: StoredFlow, ports: Ports): Promise<StoredFlow> {
  if (!atProvider(flow)) return flow;
  await resumeFlow(interactive, flow, flow.state, { returned: true }, ports);
  return (await ports.store.flows.find(ports.tenant.id, flow.id)) ?? flow;
}
