/** `sallyport simulate --inspect`: says where a debugger can attach, for as long as the command runs. */
import type { InspectorPort } from '../../../../engine/script/inspector.ts';
import type { Tenant } from '../../../../engine/tenant/tenant.ts';
import { createDebugger } from './debugger.ts';
import { frontendOf, type InspectServer, startInspectServer } from './server.ts';

export interface Inspecting {
  readonly port: InspectorPort;
  /** Shows this tenant's files from now on. */
  show(tenant: Tenant): void;
  close(): Promise<void>;
}

/** Where Chrome and VS Code look for programs to debug. */
const usualPort = 9229;

/**
 * @param given the port as it was given.
 * @returns a sentence where the port will not do.
 */
export async function startInspecting(
  given: string | undefined,
  title: string,
  write: (line: string) => void,
): Promise<Inspecting | string> {
  const port = given === undefined ? usualPort : /^\d{1,5}$/.test(given) ? Number(given) : NaN;
  if (!(port <= 65_535)) return `--inspect-port takes a port, not ${given}.`;
  const debug = createDebugger();
  const start = (chosen: number) => startInspectServer(debug, title, chosen);
  let server: InspectServer;
  try {
    server = await start(port).catch((error: unknown) => {
      if (given === undefined) return start(0);
      throw error;
    });
  } catch (error) {
    return `Port ${port} cannot be used: ${(error as Error).message}`;
  }
  write(`The first callback waits for a debugger at ws://${server.address}`);
  write(`In Chrome open ${frontendOf(server.address)}`);
  write(`or chrome://inspect; in VS Code attach to port ${server.host.split(':')[1]}.`);
  return { port: debug.port, show: (tenant) => debug.show(tenant), close: () => server.close() };
}
