/**
 * Scripts of the engine's own that run in a browser, one file each in `browser/`. They only make a page handier: every
 * page works without. A page names the one it uses, and its policy then allows this very file and no other script.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** All there are, and whether they talk to the server. */
const scripts = {
  'search-choices': { connects: true },
  passkey: { connects: false },
} as const;

export type BrowserScriptName = keyof typeof scripts;

interface BrowserScript {
  /** Holds a digest of the content, so that a browser may keep the file for ever. */
  readonly file: string;
  readonly body: Buffer;
  readonly connects: boolean;
}

const loaded: ReadonlyMap<string, BrowserScript> = new Map(
  Object.entries(scripts).map(([name, { connects }]) => {
    const body = readFileSync(join(import.meta.dirname, 'browser', `${name}.js`));
    const digest = createHash('sha256').update(body).digest('hex').slice(0, 16);
    return [name, { file: `${name}.${digest}.js`, body, connects }];
  }),
);

function scriptOf(name: BrowserScriptName): BrowserScript {
  const script = loaded.get(name);
  if (!script) throw new Error(`there is no script ${name}`);
  return script;
}

/** Where a page finds the script; a template shows it as `<script type="module" src="{{script}}"></script>`. */
export function browserScriptAddress(issuer: string, name: BrowserScriptName): string {
  return `${issuer}/script/${scriptOf(name).file}`;
}

/** What a page's Content Security Policy must say for its script: that one file, and the server where it talks to it. */
export function browserScriptPolicy(issuer: string, name: BrowserScriptName): string {
  // Either sign would end the source, and with it the directive (CSP Level 3, section 2.2.1).
  const source = browserScriptAddress(issuer, name).replaceAll(';', '%3B').replaceAll(',', '%2C');
  return ` script-src ${source};${scriptOf(name).connects ? " connect-src 'self';" : ''}`;
}

/** The content of a file of that name, or undefined where there is none, or no longer. */
export function browserScriptBody(file: string): Buffer | undefined {
  return [...loaded.values()].find((script) => script.file === file)?.body;
}
