/** A copy of the demo tenant, and the simulator's page that works on it. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SimulatorServer, startSimulatorServer } from '../../tools/simulator/server.ts';

export interface WebStage {
  readonly server: SimulatorServer;
  /** The tenant's folder. */
  readonly folder: string;
  readonly origin: string;
  close(): Promise<void>;
}

export async function startWebStage(): Promise<WebStage> {
  const root = await mkdtemp(join(tmpdir(), 'sallyport-simulator-'));
  const folder = join(root, 'demo');
  await cp(join(import.meta.dirname, '../../scripts-examples/demo'), folder, { recursive: true });
  const server = await startSimulatorServer({ folder, port: 0 });
  return {
    server,
    folder,
    origin: new URL(server.address).origin,
    async close() {
      await server.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}
