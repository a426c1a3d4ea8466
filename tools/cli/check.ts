/** `sallyport check`: everything that is wrong with a configuration, offline. */
import { createOutboundClient } from '../../engine/outbound/guarded-client.ts';
import { createScriptRunner } from '../../engine/script/pool.ts';
import { openTenantDirectory } from '../../engine/tenant/directory.ts';
import { didYouMean } from '../../engine/tenant/problem.ts';
import type { Script, Tenant } from '../../engine/tenant/tenant.ts';

/** Parameters each hook function is called with. */
const hooks: Readonly<Record<string, number>> = {
  onAuthenticateSuccess: 3,
  getUserName: 2,
  authenticate: 2,
  onSmartLoginPreContextSelection: 2,
  onTokenGenerating: 3,
  onPostAuthorize: 1,
};

/** @returns the exit code: 0 when nothing is wrong, 1 otherwise. Warnings do not count. */
export async function check(folder: string, write: (line: string) => void): Promise<number> {
  const opened = await openTenantDirectory({ path: folder });
  if (!opened.ok) {
    for (const { message, hint } of opened.problems) write(`error    ${message}${hint ? ` ${hint}` : ''}`);
    return 1;
  }
  const outbound = createOutboundClient();
  const runner = createScriptRunner({ outbound, processes: 1 });
  let errors = 0;
  try {
    for (const tenant of opened.directory.all()) {
      for (const script of scriptsOf(tenant)) {
        const result = await runner.inspect(script);
        if (!result.ok) {
          errors += 1;
          const { file, line, column } = result.location ?? { file: script.name, line: 1, column: 1 };
          write(`error    ${tenant.id}/${file}:${line}:${column} ${result.message}`);
          continue;
        }
        for (const { name, parameters } of result.functions) {
          const wanted = hooks[name];
          const near =
            wanted === undefined && /^(on[A-Z]|get|auth)/.test(name) ? didYouMean(name, Object.keys(hooks)) : '';
          if (near) write(`warning  ${tenant.id}/${script.name}: ${name} is no hook, ${near}`);
          if (wanted !== undefined && parameters > wanted)
            write(
              `warning  ${tenant.id}/${script.name}: ${name} takes ${parameters} parameters, but is called with ${wanted}`,
            );
        }
      }
      write(`ok       ${tenant.id} (${tenant.issuer})`);
    }
  } finally {
    await runner.close();
    await outbound.close();
    opened.directory.close();
  }
  return errors > 0 ? 1 : 0;
}

function scriptsOf(tenant: Tenant): readonly Script[] {
  const scripts = [
    tenant.scripts.callbacks,
    tenant.scripts.codapAuthorization,
    ...tenant.inbound.map(({ script }) => script),
    ...tenant.providers.map(({ federationAuth }) => federationAuth),
  ];
  return scripts.filter((script) => script !== undefined);
}
