/**
 * The scripted inbound module: the tenant's `authenticate(theRequest, theOutcomeFactory)` checks a user name and a
 * password. It runs apart from the flow's hooks, so that the password is in no record of the flow.
 */
import { type LogInAttempt, type ModuleAnswer, providerOfModule } from '../identity/module.ts';
import { codeFrame } from '../script/compile/frame.ts';
import type { HookEffect, PasswordRequestModel, UserSessionModel } from '../script/model.ts';
import type { Json } from '../script/runner.ts';
import type { User } from '../tenant/tenant.ts';
import { validateEffect } from './effect.ts';
import { takesReservedName } from './hooks.ts';
import type { Ports } from './ports.ts';
import { invocationOf } from './run-hook.ts';
import { declarationOf, type HookFailure, keepsLogs } from './trace.ts';

const hook = 'authenticate';
/** Characters. A shorter password stands in too many texts to be masked in them. */
const shortestMasked = 4;

/**
 * Asks the module's script. Where nothing may succeed it is not asked: it may count failures elsewhere.
 * @returns `unavailable` where the script throws, runs out of a limit or answers what is not allowed.
 */
export async function scriptedLogIn(
  { id }: { readonly id: string },
  { name, password, remoteAddress, scripts, mayTry }: LogInAttempt,
  ports: Ports,
): Promise<ModuleAnswer> {
  if (password === undefined) return { kind: 'unknown' };
  const { tenant } = ports;
  const unavailable = (problem: string): ModuleAnswer => ({
    kind: 'unavailable',
    problem: `script-${problem}`,
    detail: 'see what the log says of the callback',
  });
  const chosen = await ports.scriptFor(`inbound/${id}`, scripts ?? (await ports.scriptSnapshot()), name);
  if (!chosen) return unavailable('absent');
  const { script } = chosen;
  const request: PasswordRequestModel = { username: name, password, remoteAddress, headers: {} };
  const input = { request } as unknown as Json;
  const result = await ports.scripts.run({ ...invocationOf(tenant, script, hook, input), masked: [password] });
  const speaks = keepsLogs(tenant) && password.length >= shortestMasked;
  if (speaks) ports.scriptLog(result.logs, { hook, module: id });
  const fault = (failure: Pick<HookFailure, 'kind' | 'message'> & Partial<HookFailure>): ModuleAnswer => {
    const location = failure.location ?? declarationOf(script, hook);
    ports.log('error', 'a callback failed', {
      hook,
      module: id,
      script: script.name,
      version: script.hash.slice(0, 12),
      kind: failure.kind,
      ...(speaks ? { detail: failure.message } : {}),
      location,
      frame: location && codeFrame(script, location),
    });
    return unavailable(failure.kind);
  };
  if (!result.ok) return result.kind === 'denied' ? { kind: 'refused', username: name } : fault(result);
  if (!result.defined) return unavailable('absent');
  const malformed = validateEffect(hook, result.value);
  if (malformed !== undefined) return fault({ kind: 'shape', message: malformed });
  const { session, failure } = result.value as unknown as HookEffect<'authenticate'>;
  if (!session || failure)
    return failure?.unknownUsername === true ? { kind: 'unknown' } : { kind: 'refused', username: name };
  const problem = problemOfSuccess(session, request);
  if (problem !== undefined) return fault({ kind: 'policy', message: problem });
  const username = (session.username || name).normalize('NFC');
  if (!(await mayTry(username))) return { kind: 'refused', username };
  return vouch(id, { ...session, username, external: true }, ports);
}

/** The account that stands for whom the script named, holding what the script said of them and nothing else. */
async function vouch(
  id: string,
  session: UserSessionModel,
  { tenant, store, newHandle, log }: Ports,
): Promise<ModuleAnswer> {
  const { username, authorities, defaultLaunchContexts, userData } = session;
  const refuse = (why: string): ModuleAnswer => {
    log('warn', 'a person whom a script knows is not let in', { module: id, why });
    return { kind: 'refused', username };
  };
  const external = { provider: providerOfModule(id), subject: username };
  const known = await store.users.findByExternal(tenant.id, external.provider, external.subject);
  if (known && !known.enabled) return refuse('disabled');
  const namesake = await store.users.findByUsername(tenant.id, username);
  // An account is never taken over by a script's claim of its name.
  if (namesake && namesake.id !== known?.id) return refuse('username-taken');
  const user: User = {
    id: known?.id ?? newHandle(),
    username,
    enabled: true,
    external,
    authorities,
    defaultLaunchContexts,
    userData,
  };
  return { kind: 'accepted', user, vouched: { external, isNew: known === undefined, session, claims: {} } };
}

/** Why a well-formed success is not taken, or undefined where it is. */
export function problemOfSuccess(
  session: UserSessionModel,
  { password }: Pick<PasswordRequestModel, 'password'>,
): string | undefined {
  if (/\p{C}/u.test(session.username)) return 'script-policy-username';
  if (takesReservedName(session)) return 'script-policy-launch-parameter';
  return holds(session.userData, password) || holds(session.notes, password) ? 'script-policy-password' : undefined;
}

function holds(value: unknown, text: string): boolean {
  if (typeof value === 'string') return value === text;
  return typeof value === 'object' && value !== null && Object.values(value).some((each) => holds(each, text));
}
