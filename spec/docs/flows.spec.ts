import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { flows } from '../../engine/flow/flows.ts';
import { flowsPage } from '../../tools/generate/flow-diagrams.ts';

describe('docs/flows.md', () => {
  it('is what the flow tables say now; `npm run generate` makes it anew', async () => {
    const page = await readFile(new URL('../../docs/flows.md', import.meta.url), 'utf8');
    expect(page).to.equal(flowsPage());
  });

  it('draws every state and outcome of every flow', () => {
    const page = flowsPage();
    for (const flow of Object.values(flows)) {
      expect(page).to.include(`## ${flow.title}`);
      for (const [name, state] of Object.entries(flow.states)) {
        expect(page).to.include(`| ${name} | ${state.kind}`);
        for (const [outcome, next] of Object.entries('leads' in state ? state.leads : {}))
          expect(page).to.include(`--> ${next.replace(/[^a-z]+/gi, '_')} : ${outcome}`);
      }
    }
  });
});
