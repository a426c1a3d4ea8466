/** Prometheus metrics of the whole server. Labels name tenants, flows, hooks and outcomes, never people, apps or values. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ScriptObserver } from '../script/observer.ts';

export interface Metrics extends ScriptObserver {
  /** A flow ended; `outcome` is `success` or the reason's stable code. */
  flowEnded(tenantId: string, flow: string, outcome: string): void;
  /** A log-in module decided about a person, `accepted`, `refused` or `unknown`, or could not: then what is wrong. */
  moduleAnswered(tenantId: string, module: string, outcome: string): void;
  /** An HTTP request was answered; `route` is its pattern. */
  answered(method: string, route: string, status: number, seconds: number): void;
  /** @returns the text format and its content type. */
  expose(): Promise<{ readonly type: string; readonly text: string }>;
}

const prefix = 'sallyport_';
const latencies = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name: prefix + name, help, labelNames, registers });

  const invocations = counter('script_invocations_total', 'Callbacks that ran.', ['tenant', 'hook', 'outcome']);
  const cpu = counter('script_cpu_seconds_total', 'CPU of callbacks.', ['tenant', 'hook']);
  const wall = counter('script_wall_seconds_total', 'Wall clock of callbacks.', ['tenant', 'hook']);
  const queue = counter('script_queue_seconds_total', 'Waiting for the share of a tenant.', ['tenant']);
  const calls = counter('script_calls_total', 'Calls of callbacks to the engine.', ['tenant', 'service', 'outcome']);
  const callTime = counter('script_call_seconds_total', 'Time of such calls.', ['tenant', 'service']);
  const replaced = counter('sandbox_replaced_total', 'Sandbox processes that ended and were replaced.', []);
  const quarantined = counter('script_quarantined_total', 'Times a tenant was held back for ending a process.', [
    'tenant',
  ]);
  const flows = counter('flows_total', 'Flows that ended.', ['tenant', 'flow', 'outcome']);
  const logIns = counter('login_module_answers_total', 'Answers of log-in modules.', ['tenant', 'module', 'outcome']);
  const heap = new Gauge({
    name: `${prefix}script_heap_bytes`,
    help: 'Heap of the isolate after the last callback.',
    labelNames: ['tenant', 'hook'],
    registers,
  });
  const duration = new Histogram({
    name: `${prefix}script_duration_seconds`,
    help: 'Wall clock of callbacks.',
    labelNames: ['hook'],
    buckets: latencies,
    registers,
  });
  const requests = new Histogram({
    name: `${prefix}http_request_duration_seconds`,
    help: 'HTTP requests answered.',
    labelNames: ['method', 'route', 'status'],
    buckets: latencies.slice(3),
    registers,
  });
  // Seeded, so that an alert sees the first one.
  replaced.inc(0);

  return {
    invoked({ tenantId: tenant, hook, outcome, cpuMicroseconds, wallMicroseconds, queueMicroseconds, heapBytes }) {
      invocations.inc({ tenant, hook, outcome });
      cpu.inc({ tenant, hook }, cpuMicroseconds / 1e6);
      wall.inc({ tenant, hook }, wallMicroseconds / 1e6);
      if (queueMicroseconds > 0) queue.inc({ tenant }, queueMicroseconds / 1e6);
      duration.observe({ hook }, wallMicroseconds / 1e6);
      if (heapBytes !== undefined) heap.set({ tenant, hook }, heapBytes);
    },
    called(tenant, service, outcome, milliseconds) {
      calls.inc({ tenant, service, outcome });
      callTime.inc({ tenant, service }, milliseconds / 1000);
    },
    replaced: () => replaced.inc(),
    quarantined: (tenant) => quarantined.inc({ tenant }),
    flowEnded: (tenant, flow, outcome) => flows.inc({ tenant, flow, outcome }),
    moduleAnswered: (tenant, module, outcome) => logIns.inc({ tenant, module, outcome }),
    answered: (method, route, status, seconds) => requests.observe({ method, route, status: String(status) }, seconds),
    expose: async () => ({ type: registry.contentType, text: await registry.metrics() }),
  };
}
