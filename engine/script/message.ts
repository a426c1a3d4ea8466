/** Reads what a sandbox process says. A process that speaks nonsense is compromised: its line reads as undefined. */
import type { FromSandbox } from './protocol.ts';
import type { SourceLocation } from './runner.ts';

type Line = Readonly<Record<string, unknown>>;

/** Made anew, so that nothing goes on which is not named here. */
export function readMessage(line: string): FromSandbox | undefined {
  let message: Line;
  try {
    message = JSON.parse(line) as Line;
  } catch {
    return undefined;
  }
  if (typeof message !== 'object' || message === null) return undefined;
  if (message['type'] === 'ready' || message['type'] === 'alive') return { type: message['type'] };
  const { id, message: text } = message;
  if (message['type'] === 'inspector')
    return typeof text === 'string' ? { type: 'inspector', message: text } : undefined;
  return isNumber(id) ? readAbout(id, message) : undefined;
}

function readAbout(id: number, message: Line): FromSandbox | undefined {
  const { type, body, kind, message: text, level, call, request } = message;
  switch (type) {
    case 'done': {
      const spent = readSpent(message);
      return spent && typeof body === 'string' ? { type, id, body, ...spent, ...readHeap(message) } : undefined;
    }
    case 'failed': {
      const spent = readSpent(message);
      if (!spent || typeof kind !== 'string' || typeof text !== 'string') return undefined;
      return {
        type,
        id,
        kind,
        message: text,
        ...spent,
        ...(message['fatal'] === true ? { fatal: true } : {}),
        ...readLocation(message['location']),
      };
    }
    case 'log':
      return typeof level === 'string' && typeof text === 'string' ? { type, id, level, message: text } : undefined;
    case 'call':
      return isNumber(call) && typeof request === 'string' ? { type, id, call, request } : undefined;
    default:
      return undefined;
  }
}

/** A count: whole, not below zero, and small enough to be exact. */
function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function readSpent({ cpu, wall }: Line): { readonly cpu: number; readonly wall: number } | undefined {
  return isNumber(cpu) && isNumber(wall) ? { cpu, wall } : undefined;
}

function readHeap({ heap }: Line): { readonly heap?: number } {
  return isNumber(heap) ? { heap } : {};
}

/** A place that cannot be is no place. Scripts name places, too: whoever throws chooses the message it is read from. */
function readLocation(value: unknown): { readonly location?: SourceLocation } {
  if (typeof value !== 'object' || value === null) return {};
  const { file, line, column } = value as Line;
  if (typeof file !== 'string' || !isNumber(line) || !isNumber(column)) return {};
  return { location: { file, line, column } };
}
