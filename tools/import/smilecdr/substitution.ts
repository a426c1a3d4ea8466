/** Smile CDR's `#{env['NAME']}` and `#{systemProperties['NAME']}`, in properties and in seed files. */

/** Where values come from while an import runs: its environment, and what stood in for the Java system properties. */
export interface Variables {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly properties: Readonly<Record<string, string | undefined>>;
}

const reference = /#\{\s*(env|systemProperties)\[\s*(['"])([^'"\]]+)\2\s*\]\s*(?:\?:\s*'([^']*)'\s*)?\}/g;

export interface Substituted {
  readonly text: string;
  /** What has no value, in words that say how to give it one. */
  readonly unset: readonly string[];
}

/** The text with every reference replaced; references to nothing stay as they are. */
export function substitute(text: string, variables: Variables): Substituted {
  const unset: string[] = [];
  const replaced = text.replace(reference, (whole, kind: string, _quote, name: string, otherwise?: string) => {
    const value = (kind === 'env' ? variables.environment : variables.properties)[name] ?? otherwise;
    if (value !== undefined) return value;
    unset.push(
      kind === 'env' ? `the environment variable ${name}` : `the system property ${name} (--property ${name}=…)`,
    );
    return whole;
  });
  return { text: replaced, unset };
}

/** The environment variable that a text is, whole and without a default. */
export function wholeVariable(text: string): string | undefined {
  return /^\s*#\{\s*env\[\s*(['"])([^'"\]]+)\1\s*\]\s*\}\s*$/.exec(text)?.[2];
}
