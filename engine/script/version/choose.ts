/** Which version of a script a flow gets: the same for one person or app each time. */
import { createHash } from 'node:crypto';
import type { ScriptRollout } from '../../store/store.ts';

/** A slot's rollout as a flow found it when it began; all its hooks are decided by it. */
export interface PinnedRollout extends ScriptRollout {
  readonly active?: string;
}

/** From 0 to below 1, evenly spread and always the same for a slot and key. */
export function bucketOf(slot: string, key: string): number {
  const digest = createHash('sha256').update(`${slot}\n${key}`).digest();
  return digest.readUInt32BE(0) / 2 ** 32;
}

/** @param key whom the choice sticks to: the person where one is known, else the app. */
export function chooseVersion(slot: string, rollout: PinnedRollout, key: string): string | undefined {
  const { active, canary } = rollout;
  // The canary's own hash is part of the draw, so that a second canary does not meet the same people.
  return canary && bucketOf(`${slot} ${canary.hash}`, key) < canary.share ? canary.hash : active;
}
