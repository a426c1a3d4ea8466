/** What the flow makes of a well-formed effect: a case that is green must not be refused by the server. */
import { problemOfSuccess } from '../../flow/scripted-log-in.ts';
import { afterLocalLogin, authorizeCodap, chooseContexts, generateToken, registerPerson } from '../../flow/hooks.ts';
import type { Ports } from '../../flow/ports.ts';
import type { Tenant } from '../../tenant/tenant.ts';
import type { HookEffect, HookInput } from '../model.ts';
import type { HookName, Json } from '../runner.ts';

export interface Refusal {
  /** `policy`: the script left the bounds of its hook. */
  readonly outcome: 'denied' | 'policy';
  /** The reason as it stands in traces. */
  readonly reason: string;
}

/** @returns undefined where the flow goes on. */
export function refusalOf(hook: HookName, input: Json, effect: Json, tenant: Tenant): Refusal | undefined {
  const result = applied(hook, input, effect, tenant) as {
    readonly kind?: string;
    readonly error?: string;
    readonly reason?: string;
  };
  if (result.kind !== 'reject') return undefined;
  return { outcome: result.error === 'access_denied' ? 'denied' : 'policy', reason: result.reason ?? '' };
}

/** Only the facts that the flow looks at to judge an effect. */
function applied(hook: HookName, input: Json, effect: Json, tenant: Tenant): unknown {
  const ports = { tenant } as Ports;
  switch (hook) {
    case 'onAuthenticateSuccess':
      return afterLocalLogin.apply(input as never, effect as never, ports);
    case 'authenticate': {
      const { request } = input as unknown as HookInput<'authenticate'>;
      if ('password' in request) {
        const { session } = effect as unknown as HookEffect<'authenticate'>;
        const problem = session && problemOfSuccess(session, request);
        return problem === undefined ? {} : { kind: 'reject', error: 'server_error', reason: problem };
      }
      const facts = { issuer: request.issuer, authorization: request.authorizationToken };
      return authorizeCodap.apply(facts as never, effect as never, ports);
    }
    case 'onSmartLoginPreContextSelection':
      return chooseContexts.apply({ ...(input as object), launchParameters: {} } as never, effect as never, ports);
    case 'onTokenGenerating': {
      const { session, request } = input as unknown as HookInput<'onTokenGenerating'>;
      // Which patient it is was settled before, unless a launch handle of the EHR's own is the callback's to resolve.
      const open = request.launch !== undefined && tenant.launch.acceptUnknown && request.grantType !== 'refresh_token';
      const launchParameters = open ? {} : { patient: 'settled' };
      const grant = { session, approvedScopes: request.approvedScopes, launchParameters };
      return generateToken.apply({ grant } as never, effect as never, ports);
    }
    case 'onSelfRegistration':
      return registerPerson.apply(input as never, effect as never, ports);
    case 'getUserName':
    case 'onPostAuthorize':
      return {};
  }
}
