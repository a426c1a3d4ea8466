/**
 * A log-in by user name and password: the tenant's modules are asked in their order, and the first that knows the person
 * decides. The throttle of addresses and the lock of accounts hold for all of them.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { ScriptSnapshot } from '../script/version/registry.ts';
import type { UserRepository } from '../store/store.ts';
import type { InboundModule, Tenant, User } from '../tenant/tenant.ts';
import type { LoginThrottle } from './login-throttle.ts';
import { failureName, type LogInAttempt, type ModuleAnswer, type Vouched } from './module.ts';
import { longestPassword } from './password.ts';

export type LogInResult =
  | { readonly ok: true; readonly user: User; readonly moduleId: string; readonly vouched?: Vouched }
  | {
      readonly ok: false;
      readonly reason: 'wrong-credentials' | 'try-later' | 'unavailable';
      /** The module that cannot be asked, and what is wrong there. */
      readonly details?: { readonly module: string; readonly problem: string };
    };

export interface PasswordLogIn {
  authenticate(input: {
    readonly tenant: Tenant;
    readonly username: string;
    readonly password: string;
    readonly remoteAddress: string;
    readonly now: number;
    /** The versions of scripts that the flow began with; without them those that hold now. */
    readonly scripts?: ScriptSnapshot;
    /** Only passwords that are kept here: for whoever is to prove theirs before it is changed. */
    readonly localOnly?: boolean;
  }): Promise<LogInResult>;
}

const freeFailures = 5;
/** Milliseconds. Where modules ask elsewhere, a failure is told at a multiple of this: how long they took says who knows whom. */
const failureStep = 400;

/** How long an account stays locked after its failures, milliseconds: a minute, doubled with each further one, at most a day. */
export function lockedFor(failures: number): number {
  return failures < freeFailures ? 0 : Math.min(60_000 * 2 ** (failures - freeFailures), 86_400_000);
}

export function createPasswordLogIn(options: {
  readonly users: UserRepository;
  readonly throttle: LoginThrottle;
  ask(module: InboundModule, attempt: LogInAttempt): Promise<ModuleAnswer>;
  /** Hears how each module that counted decided: the kind of its answer, or what is wrong with it. */
  answered(tenant: Tenant, moduleId: string, answer: ModuleAnswer): void;
}): PasswordLogIn {
  const { users, throttle, ask, answered } = options;

  return {
    async authenticate({ tenant, username, password, remoteAddress, now, scripts, localOnly = false }) {
      if (throttle.blocked(remoteAddress, now)) return { ok: false, reason: 'try-later' };
      const began = performance.now();
      const modules = tenant.inbound.filter(({ type }) => !localOnly || type === 'local');
      const name = username.normalize('NFC').slice(0, 255);
      // An empty password is none, whatever a directory would say to it (RFC 4513 section 5.1.2).
      const acceptable = name !== '' && password !== '' && Buffer.byteLength(password) <= longestPassword;
      const asked = new Map<string, Promise<boolean>>();
      const mayTry = (account: string): Promise<boolean> => {
        const key = failureName(tenant, account);
        const open =
          asked.get(key) ??
          users.failures(tenant.id, key).then(({ count, lastAt }) => now >= lastAt + lockedFor(count));
        asked.set(key, open);
        return open;
      };
      const failed = async (account: string): Promise<void> => {
        await users.recordLogin(tenant.id, failureName(tenant, account), false, now);
        throttle.failed(remoteAddress, now);
      };
      let presented = acceptable && (await mayTry(name)) ? password : undefined;
      let knownAs: string | undefined;
      for (const module of modules) {
        const answer = await ask(module, {
          tenant,
          name,
          password: presented,
          remoteAddress,
          now,
          mayTry,
          ...(scripts && { scripts }),
        });
        if (presented !== undefined || answer.kind === 'unavailable') answered(tenant, module.id, answer);
        if (answer.kind === 'accepted' && presented !== undefined) {
          const { user, vouched } = answer;
          const names = new Set([name, user.username].map((each) => failureName(tenant, each)));
          for (const each of names) await users.recordLogin(tenant.id, each, true, now);
          return { ok: true, user, moduleId: module.id, ...(vouched && { vouched }) };
        }
        // Whether it knows the person better than those after it cannot be said, so nobody else is asked. Who is refused
        // elsewhere is told the same, else the answer would say which names this module does not have.
        if (answer.kind === 'unavailable') {
          if (knownAs !== undefined) await failed(knownAs);
          await toStep(began);
          return { ok: false, reason: 'unavailable', details: { module: module.id, problem: answer.problem } };
        }
        if (answer.kind === 'refused') {
          knownAs ??= answer.username;
          presented = undefined;
        }
      }
      await failed(knownAs ?? name);
      if (modules.some(({ type }) => type !== 'local')) await toStep(began);
      return { ok: false, reason: 'wrong-credentials' };
    },
  };
}

async function toStep(began: number): Promise<void> {
  const taken = performance.now() - began;
  await wait(Math.ceil(taken / failureStep) * failureStep - taken);
}
