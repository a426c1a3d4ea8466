/** What `sallyport check` says of the skins of tenants. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkSkin } from '../../../engine/page/check-skin.ts';
import type { Tenant } from '../../../engine/tenant/tenant.ts';
import type { Finding } from './findings.ts';

const shipped = join(import.meta.dirname, '../../../skins');

/** Looks at each tenant's own skin; a shipped one is known to be right. */
export function checkSkins(tenants: readonly Pick<Tenant, 'folder' | 'skin'>[]): {
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
} {
  const errors: Finding[] = [];
  const warnings: Finding[] = [];
  for (const { folder, skin } of tenants) {
    const own = join(folder, skin);
    if (!existsSync(own)) {
      if (!existsSync(join(shipped, skin)))
        warnings.push({
          message: `${join(folder, 'tenant.json')} at /skin: there is no skin ${JSON.stringify(skin)}, so the default one is worn.`,
          hint: 'name a folder below the tenant’s, or default or harbor',
        });
      continue;
    }
    for (const { file, line, severity, message, hint } of checkSkin(own, join(shipped, 'default')))
      (severity === 'error' ? errors : warnings).push({ message: `${file}:${line}: ${message}.`, hint });
  }
  return { errors, warnings };
}
