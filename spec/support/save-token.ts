/** Run as a child process: saves one token in the given data folder, says so, and waits to be killed. */
import { openStore } from '../../engine/store/open.ts';

const [dataFolder = '', hash = ''] = process.argv.slice(2);
const store = await openStore({ dataFolder });
await store.tokens.save([
  {
    hash,
    tenantId: 'a',
    kind: 'access',
    grantId: 'g',
    clientId: 'c',
    scope: 'openid',
    details: {},
    issuedAt: 1,
    expiresAt: 2_000_000_000_000,
  },
]);
process.stdout.write('saved\n');
setInterval(() => undefined, 1000);
