/** The cost of one scripted hook, measured around the script runner in a process of its own; argument and answer are JSON. */
import { validateEffect } from '../../engine/flow/effect.ts';
import { createOutboundClient } from '../../engine/outbound/guarded-client.ts';
import { makeScript } from '../../engine/script/script.ts';
import { createScriptRunner } from '../../engine/script/pool.ts';
import type { Invocation } from '../../engine/script/runner.ts';
import { percentile } from './statistics.ts';
import { bothHooks } from './tenants.ts';

export interface HookCost {
  /** Microseconds of wall time, one invocation at a time. */
  readonly idleP50: number;
  readonly idleP99: number;
  /** Milliseconds of wall time of the very first invocation in a new isolate. */
  readonly cold: number;
  /** Microseconds of the engine's CPU for one invocation, sixteen at a time. */
  readonly engineCpu: number;
  /** Microseconds of the sandbox's CPU in the script itself, as the trace records it. */
  readonly scriptCpu: number;
  readonly invocationsPerSecond: number;
}

const { seconds } = JSON.parse(process.argv[2] ?? '{}') as { seconds: number };
const outbound = createOutboundClient();
const runner = createScriptRunner({ outbound });
const invocation: Invocation = {
  tenantId: 'bench',
  script: makeScript('callbacks.js', bothHooks),
  hook: 'onTokenGenerating',
  input: {
    session: null,
    request: {
      clientId: 'bench',
      grantType: 'client_credentials',
      audience: 'http://localhost/bench/fhir/r4',
      requestedScopes: ['system/*.rs'],
      approvedScopes: ['system/*.rs'],
      requestParameters: {},
    },
    client: {
      clientId: 'bench',
      clientName: 'bench',
      scopes: ['system/*.rs'],
      grantTypes: ['client_credentials'],
      permissions: [{ permission: 'ROLE_FHIR_CLIENT' }, { permission: 'FHIR_ALL_READ' }],
    },
  },
  limits: {
    cpuMilliseconds: 250,
    wallMilliseconds: 5000,
    memoryMebibytes: 32,
    httpCalls: 10,
    hostCalls: 50,
    kvKeys: 1_000,
    kvBytes: 1_000_000,
    httpResponseBytes: 1_048_576,
    outputBytes: 1_048_576,
    logLines: 100,
    concurrency: 16,
    queue: 256,
  },
  environment: { DEPARTMENT: 'Cardiology' },
  outboundHttp: { allow: [], allowPrivate: false },
};

/** One invocation as a flow makes it, its effect validated. Answers the script's CPU in microseconds. */
async function invoke(call: Invocation = invocation): Promise<number> {
  const result = await runner.run(call);
  if (!result.ok) throw new Error(`${result.kind}: ${result.message}`);
  const problem = validateEffect('onTokenGenerating', result.value);
  if (problem !== undefined) throw new Error(problem);
  return result.cpuMicroseconds;
}

async function measureCold(): Promise<number> {
  const colds: number[] = [];
  for (let index = 0; index < 5; index += 1) {
    const began = performance.now();
    // Another source is another script, which gets an isolate of its own.
    const source = `${bothHooks}// ${index}`;
    await invoke({ ...invocation, script: { ...invocation.script, source, hash: `cold-${index}` } });
    colds.push(performance.now() - began);
  }
  return percentile(colds, 0.5);
}

async function measureIdle(): Promise<readonly number[]> {
  const walls: number[] = [];
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    const began = performance.now();
    await invoke();
    walls.push((performance.now() - began) * 1000);
    // A server is idle between two requests.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return walls;
}

async function measureLoad(): Promise<{ readonly count: number; readonly engine: number; readonly script: number }> {
  let count = 0;
  let script = 0;
  const before = process.cpuUsage();
  const until = performance.now() + seconds * 1000;
  const work = async () => {
    while (performance.now() < until) {
      const cpu = await invoke();
      script += cpu;
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: invocation.limits.concurrency }, work));
  const { user, system } = process.cpuUsage(before);
  return { count, engine: (user + system) / count, script: script / count };
}

for (let index = 0; index < 3000; index += 1) await invoke();
const cold = await measureCold();
const idle = await measureIdle();
const load = await measureLoad();
const answer: HookCost = {
  idleP50: percentile(idle, 0.5),
  idleP99: percentile(idle, 0.99),
  cold,
  engineCpu: load.engine,
  scriptCpu: load.script,
  invocationsPerSecond: load.count / seconds,
};
process.stdout.write(JSON.stringify(answer));
await runner.close();
await outbound.close();
process.exit(0);
