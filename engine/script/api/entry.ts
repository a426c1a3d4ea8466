/**
 * What one line of the script API says of itself. The whole of them is the catalogue (`catalogue.ts`); the types that
 * editors read, the tables in docs/script-api.md and the errors of missing names are made of it.
 */

/** A JSON Schema (2020-12), or a part of one. */
export type Schema = Readonly<Record<string, unknown>>;

/**
 * How a script that was written for Smile CDR finds it here: with the `same` meaning, with a `different` one, `missing`;
 * or it is `ours`, which no such script knows.
 */
export type Compatibility = 'same' | 'different' | 'ours' | 'missing';

interface Described {
  readonly name: string;
  /** Plain sentences, for an editor's hover and for the page. */
  readonly documentation: string;
  readonly compatibility: Compatibility;
  /** How it differs; or why it is missing and what to use instead. Every different and every missing entry has one. */
  readonly note?: string;
}

export interface Parameter {
  readonly name: string;
  /** In TypeScript. */
  readonly type: string;
  readonly optional: boolean;
}

export interface Signature {
  readonly parameters: readonly Parameter[];
  readonly result: string;
}

export interface Property extends Described {
  readonly kind: 'property';
  readonly type: string;
  /** What a script assigns is not taken over. */
  readonly readonly: boolean;
  /** Whether `getX()` and `setX()` stand beside it, as in Java. */
  readonly accessors: boolean;
  /** Of a property that crosses the boundary between engine and sandbox. */
  readonly schema?: Schema;
  /** Whether it may be absent when it crosses. */
  readonly optional: boolean;
}

export interface Method extends Described {
  readonly kind: 'method';
  /** `<T>` where it has type parameters. */
  readonly generics: string;
  /** At least one; several where it may be called in several ways. */
  readonly signatures: readonly Signature[];
}

export type Member = Property | Method;

/** An object that scripts meet: a hook's argument, what one of these holds, or what a global answers. */
export interface Model extends Described {
  readonly kind: 'model';
  readonly generics: string;
  readonly extends?: string;
  readonly members: readonly Member[];
  /** What every other name is, as `unknown`; absent where other names do not exist. */
  readonly others?: string;
  /** How it is made with `new`, for those scripts may make. */
  readonly construct?: readonly Signature[];
  /** Members of the constructor itself. */
  readonly statics?: readonly Member[];
}

/** A name every script has: an object, a class to be made with `new`, or a function. */
export interface GlobalName extends Described {
  readonly kind: 'global';
  /** The model of an object or class; a function has signatures instead. */
  readonly model?: string;
  readonly signatures?: readonly Signature[];
  readonly generics?: string;
}

/** A module that scripts may import. */
export interface LibraryModule extends Described {
  readonly kind: 'module';
  readonly functions: readonly Method[];
  /** Types and error classes that it exports. */
  readonly models: readonly Model[];
  /** Of `models`, those that are classes there and not only types. */
  readonly classes: readonly string[];
}

/** A function by which a script takes part in a flow. */
export interface Hook extends Described {
  readonly kind: 'hook';
  /** The name of its type: `OnTokenGenerating`. */
  readonly type: string;
  readonly signature: Signature;
  readonly flows: string;
  readonly when: string;
  readonly configured: string;
}
