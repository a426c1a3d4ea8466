/** The places of a tenant at which a script may stand, each named by its slot. */
import type { HookName } from '../script/runner.ts';
import type { Script, Tenant } from './tenant.ts';

/** `callbacks`, `bound/<id>`, `codapAuthorization`, `inbound/<module id>` or `federationAuth/<provider id>`. */
export type ScriptSlot =
  'callbacks' | 'codapAuthorization' | `bound/${string}` | `inbound/${string}` | `federationAuth/${string}`;

/** The parameters each hook function is called with. */
export const hookParameters: Readonly<Record<HookName, readonly string[]>> = {
  onAuthenticateSuccess: ['theUserSession', 'theOutcomeFactory', 'theContext'],
  getUserName: ['theOidcUserInfoMap', 'theServerInfo'],
  authenticate: ['theRequest', 'theOutcomeFactory'],
  onSmartLoginPreContextSelection: ['theUserSession', 'theContextSelectionChoices'],
  onTokenGenerating: ['theUserSession', 'theAuthorizationRequestDetails', 'theClientDetails'],
  onPostAuthorize: ['theDetails'],
  onSelfRegistration: ['theUserSession', 'theOutcomeFactory', 'theContext'],
};

const hooksAt: Readonly<Record<string, readonly HookName[]>> = {
  callbacks: ['onSmartLoginPreContextSelection', 'onTokenGenerating', 'onPostAuthorize', 'onSelfRegistration'],
  bound: ['onSmartLoginPreContextSelection', 'onTokenGenerating', 'onPostAuthorize', 'onSelfRegistration'],
  codapAuthorization: ['authenticate'],
  /** `authenticate` where the module is a scripted one. */
  inbound: ['onAuthenticateSuccess', 'authenticate'],
  federationAuth: ['getUserName', 'onAuthenticateSuccess'],
};

/** The hooks whose functions are looked for in the script of a slot. */
export function hooksOf(slot: ScriptSlot): readonly HookName[] {
  return hooksAt[slot.split('/')[0] ?? ''] ?? [];
}

/** Where in the document the script of a hook is named, for a person. */
export function placeOf(hook: HookName): string {
  const places: Readonly<Record<string, string>> = {
    callbacks: 'scripts.callbacks',
    bound: 'scripts.bound',
    codapAuthorization: 'scripts.codapAuthorization',
    inbound: "an inbound module's script",
    federationAuth: "a provider's federationAuth",
  };
  return Object.keys(hooksAt)
    .filter((kind) => hooksAt[kind]?.includes(hook))
    .map((kind) => places[kind])
    .join(' or ');
}

export interface BoundScript {
  readonly slot: ScriptSlot;
  readonly script: Script;
}

/** Every script of the tenant's document, with its slot. */
export function scriptsOf({ scripts, inbound, providers }: Pick<Tenant, 'scripts' | 'inbound' | 'providers'>) {
  const bound: BoundScript[] = [];
  const add = (slot: ScriptSlot, script: Script | undefined) => script && bound.push({ slot, script });
  add('callbacks', scripts.callbacks);
  for (const { id, script } of scripts.bound) add(`bound/${id}`, script);
  add('codapAuthorization', scripts.codapAuthorization);
  for (const { id, script } of inbound) add(`inbound/${id}`, script);
  for (const { id, federationAuth } of providers) add(`federationAuth/${id}`, federationAuth);
  return bound as readonly BoundScript[];
}

/**
 * The tenant with other scripts in these slots. A slot that the tenant does not have stays without one.
 * @param scripts by slot, as `scriptsOf` names them.
 */
export function withScripts(tenant: Tenant, scripts: ReadonlyMap<string, Script>): Tenant {
  const { callbacks, codapAuthorization, bound } = tenant.scripts;
  const at = (slot: ScriptSlot, before: Script | undefined) => scripts.get(slot) ?? before;
  const [everywhere, ofCodap] = [at('callbacks', callbacks), at('codapAuthorization', codapAuthorization)];
  return {
    ...tenant,
    scripts: {
      ...(everywhere ? { callbacks: everywhere } : {}),
      ...(ofCodap ? { codapAuthorization: ofCodap } : {}),
      bound: bound.map((each) => ({ ...each, script: scripts.get(`bound/${each.id}`) ?? each.script })),
    },
    inbound: tenant.inbound.map((module) => {
      const script = at(`inbound/${module.id}`, module.script);
      return script ? { ...module, script } : module;
    }),
    providers: tenant.providers.map((provider) => {
      const script = at(`federationAuth/${provider.id}`, provider.federationAuth);
      return script ? { ...provider, federationAuth: script } : provider;
    }),
  };
}

/** The slot that stands for `callbacks` in a flow of a client: a binding that fits both, else `callbacks` itself. */
export function callbacksFor(tenant: Pick<Tenant, 'scripts'>, flow: string, clientId: string | undefined): ScriptSlot {
  const bound = tenant.scripts.bound.find(
    ({ clients, flows }) =>
      (clients === undefined || (clientId !== undefined && clients.includes(clientId))) &&
      (flows === undefined || flows.includes(flow)),
  );
  return bound ? `bound/${bound.id}` : 'callbacks';
}
