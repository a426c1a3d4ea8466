/** The one isolate of a process that is inspected, and the session of its debugger. */
import ivm from 'isolated-vm';
import { longestLine } from '../protocol.ts';

export interface Inspected {
  readonly isolate: ivm.Isolate;
  /** Hands a message of the inspector protocol over. */
  say(message: string): void;
}

/** Room for what a debugger keeps of a script beside the script itself. */
const memoryMebibytes = 512;
/** A message may lie unread while the isolate goes to sleep at a breakpoint; another one wakes it. */
const betweenNudges = 25;
const mostNudges = 40;
const nudge = JSON.stringify({ id: -1, method: 'Runtime.getIsolateId' });

/** @param options.heard is given what the isolate says in the inspector protocol. */
export function createInspected(options: {
  readonly heard: (message: string) => void;
  readonly onCatastrophe: () => void;
}): Inspected {
  const isolate = new ivm.Isolate({
    inspector: true,
    memoryLimit: memoryMebibytes,
    onCatastrophicError: options.onCatastrophe,
  });
  const session = openSession(isolate);
  /** Requests without an answer, and nudges likewise. */
  let unanswered = 0;
  let nudges = 0;
  let ticks = 0;
  session.onNotification = (message) => {
    if (fits(message)) options.heard(message);
  };
  session.onResponse = (id, message) => {
    if (id === -1) {
      nudges -= 1;
      return;
    }
    unanswered = Math.max(0, unanswered - 1);
    options.heard(fits(message) ? message : JSON.stringify({ id, error: { code: -32000, message: 'too large' } }));
  };
  setInterval(() => {
    ticks = unanswered > 0 ? ticks + 1 : 0;
    // An isolate that waits for the engine answers late; it needs no more than a few.
    if (unanswered === 0 || (nudges >= mostNudges && ticks % mostNudges > 0) || isolate.isDisposed) return;
    nudges += 1;
    session.dispatchProtocolMessage(nudge);
  }, betweenNudges);
  return {
    isolate,
    say(message) {
      if (isolate.isDisposed) return;
      unanswered += 1;
      session.dispatchProtocolMessage(message);
    },
  };
}

/** The engine takes a longer line for a sign that this process is compromised. */
function fits(message: string): boolean {
  return JSON.stringify(message).length < longestLine - 1024;
}

/**
 * V8 opens a session only where its isolate is entered, which `createInspectorSession` does not do by itself: from within
 * a call out of the isolate it is. That holds up the thread, so it is done once, before anything else runs in it.
 */
function openSession(isolate: ivm.Isolate): ivm.InspectorSession {
  const context = isolate.createContextSync();
  let session: ivm.InspectorSession | undefined;
  const open = new ivm.Reference(() => {
    session = isolate.createInspectorSession();
  });
  context.evalClosureSync('$0.applySync()', [open]);
  context.release();
  if (!session) throw new Error('the isolate opens no session for a debugger');
  return session;
}
