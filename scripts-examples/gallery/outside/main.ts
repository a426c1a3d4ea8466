/** What stands around the gallery's tenants, for trying them: `npx node scripts-examples/gallery/outside/main.ts`. */
import { startOutside } from './server.ts';

const outside = await startOutside({ port: 9210, sallyport: 'http://localhost:9200' });
process.stdout.write(`The world around the gallery is at ${outside.url}/\n`);
