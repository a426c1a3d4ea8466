/** What the catalogue says of a name that a script uses. */
import {
  globals,
  hookModels,
  globalModels,
  libraryModules,
  missingGlobals,
  places,
} from '../../../engine/script/api/catalogue.ts';
import type { Member } from '../../../engine/script/api/entry.ts';
import type { UsedMember } from './compiler.ts';

export interface Noted {
  /** `UserSessionDetails.addAuthority`, or the name of a global. */
  readonly name: string;
  readonly compatibility: 'different' | 'missing';
  readonly note: string;
}

const capitalized = (name: string) => `${name[0]?.toUpperCase()}${name.slice(1)}`;

/** A member's own name and those of its Java accessors. */
function namesOf(member: Member): readonly string[] {
  if (member.kind === 'method' || !member.accessors) return [member.name];
  return [member.name, `get${capitalized(member.name)}`, `set${capitalized(member.name)}`];
}

/** The interfaces that hold the members of a model: `JavaMapMethods` those of `JavaMap`. */
const ownerOf = (name: string) => name.replace(/Methods$/, '');

const noted = (name: string, { compatibility, note = '' }: Pick<Member, 'compatibility' | 'note'>): Noted[] =>
  compatibility === 'different' || compatibility === 'missing' ? [{ name, compatibility, note }] : [];

/** Every name of a member that differs or is missing; where several models have one, the first. */
export const notedMembers: ReadonlyMap<string, Noted> = new Map(
  places
    .toReversed()
    .flatMap(({ key, member }) =>
      noted(key, member).flatMap((each) => namesOf(member).map((name) => [name, each] as const)),
    ),
);

/** Methods whose names are long enough to have one meaning, for objects of which nobody knows what they are. */
export const tellingMethods: ReadonlyMap<string, Noted> = new Map(
  [...notedMembers].filter(
    ([name]) =>
      /[a-z][A-Z]/.test(name) && places.some(({ member }) => member.kind === 'method' && member.name === name),
  ),
);

/** What is to be said of a member, or of a global where there is no owner; undefined where it is as in Smile CDR, or ours. */
export function noteOf({ owner, name }: UsedMember): Noted | undefined {
  if (owner === '')
    return [...globals, ...missingGlobals]
      .filter((global) => global.name === name)
      .flatMap((each) => noted(name, each))[0];
  return places
    .filter(({ model, member }) => model.name === ownerOf(owner) && namesOf(member).includes(name))
    .flatMap(({ key, member }) => noted(key, member))[0];
}

/** Whether a model has a member that scripts may use. */
export function hasMember(owner: string, name: string): boolean {
  return places.some(
    ({ model, member }) =>
      model.name === ownerOf(owner) && member.compatibility !== 'missing' && namesOf(member).includes(name),
  );
}

const ownTypes = new Set(
  [...hookModels, ...globalModels, ...libraryModules.flatMap(({ models }) => models)].map(({ name }) => name),
);

/** Whether a type is one of the script API's. */
export function isOwnType(name: string): boolean {
  return ownTypes.has(ownerOf(name));
}

export const ownGlobals: readonly string[] = globals.map(({ name }) => name);

export function isOwnGlobal(name: string): boolean {
  return ownGlobals.includes(name);
}
