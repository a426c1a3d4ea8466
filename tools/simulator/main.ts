/** `npm run simulator -- <folder>`: the simulator's page, until it is stopped. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { startSimulatorServer } from './server.ts';

const write = (line: string) => void process.stdout.write(`${line}\n`);
const folder =
  process.argv[2] ?? process.env['SALLYPORT_CONFIG'] ?? join(import.meta.dirname, '../../scripts-examples');
const port = Number(process.env['PORT'] ?? 9300);

if (!Number.isInteger(port) || port < 0 || port > 65_535) end(`PORT is no port: ${process.env['PORT']}`);
if (!(await stat(folder).catch(() => undefined))?.isDirectory()) end(`There is no folder ${folder}.`);
const server = await startSimulatorServer({ folder, port }).catch((error: NodeJS.ErrnoException) =>
  end(error.code === 'EADDRINUSE' ? `Port ${port} is in use already. Name another one in PORT.` : error.message),
);
write(`The simulator works on ${folder}`);
write(`Open ${server.address}`);
const stop = () => void server.close().then(() => process.exit(0));
process.once('SIGINT', stop).once('SIGTERM', stop);

function end(reason: string): never {
  write(reason);
  process.exit(2);
}
