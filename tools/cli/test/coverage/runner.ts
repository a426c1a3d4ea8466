/** A script runner that sees which statements and branches of the tenants' scripts run. */
import { randomUUID } from 'node:crypto';
import { join, relative } from 'node:path';
import { compileScript } from '../../../../engine/script/compile/compile.ts';
import { parseFile } from '../../../../engine/script/compile/parse.ts';
import type { Invocation, InvocationResult, LogLine, ScriptRunner } from '../../../../engine/script/runner.ts';
import { makeScript } from '../../../../engine/script/script.ts';
import { scriptsOf } from '../../../../engine/tenant/scripts.ts';
import type { Script, Tenant } from '../../../../engine/tenant/tenant.ts';
import { instrument, type InstrumentedFile } from './instrument.ts';

/** A file of a script, and in how many runs each of its points was reached. */
export interface CoveredFile extends InstrumentedFile {
  /** As it is named from where the command runs. */
  readonly path: string;
  readonly hits: Map<number, number>;
}

export interface Coverage {
  /** The tenant's scripts are looked at from now on. */
  add(tenant: Tenant): void;
  /** The same runner, but for scripts that were added. */
  watch(runner: ScriptRunner): ScriptRunner;
  /** By their paths. */
  files(): readonly CoveredFile[];
  /** Sentences about scripts that run as they are. */
  readonly uncounted: readonly string[];
}

interface Instrumented {
  readonly script: Script;
  /** By the names they have in the tenant's folder, in the order of their numbers. */
  readonly files: ReadonlyMap<string, CoveredFile>;
}

/** What a script logs must not leave too few lines for its points; it is cut to the tenant's limit afterwards. */
const moreLines = 20_000;

export function createCoverage(): Coverage {
  // No line that a script logs begins with this by chance.
  const mark = randomUUID();
  /** By style and path: many scripts may import one file. */
  const files = new Map<string, CoveredFile>();
  const scripts = new Map<string, Instrumented>();
  const uncounted: string[] = [];
  const keyOf = (tenantId: string, { name, hash }: Script) => `${tenantId} ${hash} ${name}`;

  function fileOf(folder: string, name: string, source: string, forced: boolean): CoveredFile | undefined {
    const path = relative(process.cwd(), join(folder, name));
    const read = parseFile(name, source, forced);
    if (!read.ok) return undefined;
    const key = `${read.parsed.style} ${path}`;
    const known = files.get(key);
    if (known) return known;
    const made = { ...instrument(read.parsed, `${mark} ${files.size} `), path, hits: new Map<number, number>() };
    files.set(key, made);
    return made;
  }

  /** @returns undefined where it cannot be, which leaves the script as it is. */
  function instrumented({ folder }: Tenant, script: Script): Instrumented | undefined {
    const own = new Map<string, CoveredFile>();
    for (const { name, source } of [script, ...script.modules]) {
      const file = fileOf(folder, name, source, name !== script.name);
      if (!file) return undefined;
      own.set(name, file);
    }
    const textOf = (name: string) => own.get(name)?.text ?? '';
    const modules = script.modules.map((module) => ({ ...module, source: textOf(module.name) }));
    const made = makeScript(script.name, textOf(script.name), modules);
    return compileScript(made).ok ? { script: made, files: own } : undefined;
  }

  function taken(logs: readonly LogLine[]): readonly LogLine[] {
    const all = [...files.values()];
    return logs.filter(({ message }) => {
      if (!message.startsWith(mark)) return true;
      const [, file, point] = message.split(' ').map(Number);
      const hits = all[file ?? -1]?.hits;
      if (hits && point !== undefined) hits.set(point, (hits.get(point) ?? 0) + 1);
      return false;
    });
  }

  async function run(runner: ScriptRunner, invocation: Invocation): Promise<InvocationResult> {
    const { tenantId, limits } = invocation;
    const counted = scripts.get(keyOf(tenantId, invocation.script));
    if (!counted) return runner.run(invocation);
    const result = await runner.run({
      ...invocation,
      script: counted.script,
      // To count takes time of its own.
      limits: { ...limits, logLines: limits.logLines + moreLines, cpuMilliseconds: limits.cpuMilliseconds * 2 },
    });
    const logs = taken(result.logs).slice(0, limits.logLines);
    if (result.ok || !result.location) return { ...result, logs };
    const { file, ...place } = result.location;
    return { ...result, logs, location: { file, ...(counted.files.get(file)?.original(place) ?? place) } };
  }

  return {
    add(tenant) {
      for (const { script } of scriptsOf(tenant)) {
        const key = keyOf(tenant.id, script);
        if (scripts.has(key)) continue;
        const made = instrumented(tenant, script);
        if (made) scripts.set(key, made);
        else
          uncounted.push(
            `${tenant.id}: ${script.name} is not counted: with counters it is too large, or cannot be read.`,
          );
      }
    },
    uncounted,
    watch: (runner) => ({ ...runner, run: (invocation) => run(runner, invocation) }),
    files: () => [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
}
