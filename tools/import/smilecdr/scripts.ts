/** Brings scripts over as they are, and finds in them what a tenant document has to allow. */
import { parse } from 'acorn';
import { compileScript } from '../../../engine/script/compile/compile.ts';
import { makeScript } from '../../../engine/script/script.ts';
import { decodeProperties } from './properties.ts';
import { addFile, type At, type Draft, findFile, type ImportContext, resolveSetting } from './draft.ts';
import type { Module, Setting } from './modules.ts';

/** A script's text, and where it came from. */
export interface ScriptText extends At {
  readonly text: string;
}

/** The script of a pair of properties: `.file` wins over `.text`. */
export async function scriptOf(context: ImportContext, module: Module, key: string): Promise<ScriptText | undefined> {
  const [file, text] = [module.config.get(`${key}.file`), module.config.get(`${key}.text`)].map((setting) =>
    setting?.value.trim() === '' ? undefined : setting,
  );
  for (const setting of [module.config.get(`${key}.file`), module.config.get(`${key}.text`)])
    if (setting && setting.value.trim() === '')
      report(context, setting, 'carried', 'It is empty, and so is its place here.');
  if (file) {
    if (text) report(context, text, 'differs', 'There is a file, too, and the file counts.');
    const source = await findFile(context, file);
    return source && { source: file.source, place: file.place, text: decodeProperties(source.bytes) };
  }
  const resolved = text && resolveSetting(context, text);
  return text && resolved !== undefined ? { source: text.source, place: text.place, text: resolved } : undefined;
}

function report(context: ImportContext, at: Setting, outcome: 'carried' | 'differs', text: string): void {
  context.report.add(outcome, at.source.name, at.place, text);
}

/** Adds a script to the folder. One that does not load is a fault, for without it the tenant would decide otherwise. */
export function addScript(
  { report: told }: ImportContext,
  draft: Draft,
  script: ScriptText,
  place: { readonly folder?: string; readonly name: string; readonly what: string; readonly how?: string },
): string {
  const file = addFile(draft, place.folder ?? '', place.name, '.js', { content: script.text, isSecret: false });
  const compiled = compileScript(makeScript(file, script.text));
  for (const { message, location } of compiled.ok ? [] : compiled.problems)
    told.fault(
      script.source.name,
      script.place,
      `The script does not load: ${message}, in line ${location.line}, column ${location.column}.`,
    );
  told.add('carried', script.source.name, script.place, `${place.what}, ${place.how ?? 'unchanged'}, as ${file}.`);
  return file;
}

function topNames(text: string): ReadonlySet<string> | undefined {
  try {
    const { body } = parse(text, { ecmaVersion: 2024, sourceType: 'script' });
    return new Set(
      body.flatMap((statement) => {
        if (statement.type === 'FunctionDeclaration' || statement.type === 'ClassDeclaration')
          return [statement.id.name];
        if (statement.type !== 'VariableDeclaration') return [];
        return statement.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id.name] : []));
      }),
    );
  } catch {
    return undefined;
  }
}

/**
 * One script of the two that a server definition has. Each had its own names in Smile CDR: where they share one, the second
 * keeps its names to itself.
 */
export function joinScripts(authentication: string, mapping: string): string {
  const [first, second] = [topNames(authentication), topNames(mapping)];
  const shared = first && second && [...second].some((name) => first.has(name));
  if (!shared) return `${authentication.trimEnd()}\n\n${mapping.trimEnd()}\n`;
  return `${authentication.trimEnd()}

// The user mapping script, whose names the one above has, too.
function getUserName(theOidcUserInfoMap, theServerInfo) {
  const mapping = (function () {
${mapping.trimEnd()}
return getUserName;
  })();
  return mapping(theOidcUserInfoMap, theServerInfo);
}
`;
}

export interface ScriptNeeds {
  /** Hosts that are called at an address which stands in the call. */
  readonly called: readonly string[];
  /** Hosts of all other addresses, called or not. */
  readonly named: readonly string[];
  readonly variables: readonly string[];
  readonly fhir: 'none' | 'reads' | 'writes';
}

function hostsIn(text: string, pattern: RegExp): readonly string[] {
  const hosts = [...text.matchAll(pattern)].map((match) => match[1] ?? '').filter((url) => URL.canParse(url));
  return [...new Set(hosts.map((url) => new URL(url).host))].sort();
}

/** What a script will ask the engine for, as far as its text shows it. */
export function needsOf(text: string): ScriptNeeds {
  const called = hostsIn(
    text,
    /\b(?:Http\s*\.\s*(?:get|post|put|patch|head|delete)|fetch|FhirClientFactory\s*\.\s*newClient)\s*\(\s*['"`](https?:\/\/[A-Za-z0-9.:[\]-]+)/g,
  );
  const named = hostsIn(text, /['"`](https?:\/\/[A-Za-z0-9.:[\]-]+)/g).filter((host) => !called.includes(host));
  const variables = [...text.matchAll(/\bEnvironment\s*\.\s*getEnv\s*\(\s*(['"`])([^'"`$]+)\1/g)].map(
    (match) => match[2] ?? '',
  );
  const writes = /\bFhir\s*\.\s*(create|update|patch|delete|operation|transaction)\b/.test(text);
  return {
    called,
    named,
    variables: [...new Set(variables)].sort(),
    fhir: writes ? 'writes' : /\bFhir\s*\./.test(text) ? 'reads' : 'none',
  };
}
