/**
 * What the browser loads: the page, its modules, and CodeMirror, all from this machine. There is no build. The page's own
 * modules are TypeScript whose types are taken out when they are served; packages are served as they are installed.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { nonceMark } from './inline-page.ts';

export interface Asset {
  readonly type: string;
  readonly body: string;
}

export interface Assets {
  /** @param path as in the address, without a query. */
  find(path: string): Asset | undefined;
  /** The content security policy that fits the page. */
  readonly policy: string;
}

const root = join(import.meta.dirname, '../..');
const javascript = 'text/javascript; charset=utf-8';
const css = 'text/css; charset=utf-8';

/** The page's own files, and the one of the engine that runs there, too. Their addresses are their places. */
const own: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      'compare.ts',
      'completion.ts',
      'controls.ts',
      'details.ts',
      'dom.ts',
      'drawing.ts',
      'editor.ts',
      'main.ts',
      'server.ts',
      'share.ts',
    ].map((name) => [`/tools/simulator/page/${name}`, javascript]),
  ),
  '/tools/simulator/page/style.css': css,
  '/engine/simulator/diff.ts': javascript,
};

/** Each package with its module for browsers. */
const packages: Readonly<Record<string, string>> = {
  '@codemirror/autocomplete': 'dist/index.js',
  '@codemirror/commands': 'dist/index.js',
  '@codemirror/lang-javascript': 'dist/index.js',
  '@codemirror/language': 'dist/index.js',
  '@codemirror/lint': 'dist/index.js',
  '@codemirror/search': 'dist/index.js',
  '@codemirror/state': 'dist/index.js',
  '@codemirror/streamparser': 'dist/index.js',
  '@codemirror/view': 'dist/index.js',
  '@lezer/common': 'dist/index.js',
  '@lezer/highlight': 'dist/index.js',
  '@lezer/javascript': 'dist/index.js',
  '@lezer/lr': 'dist/index.js',
  '@marijn/find-cluster-break': 'src/index.js',
  crelt: 'index.js',
  'style-mod': 'src/style-mod.js',
  'w3c-keyname': 'index.js',
};

export function createAssets(): Assets {
  const nonce = randomBytes(16).toString('base64');
  const map = JSON.stringify({
    imports: Object.fromEntries(Object.keys(packages).map((name) => [name, `/modules/${name}.js`])),
  });
  const modules = new Map(
    Object.entries(packages).map(([name, file]) => [`/modules/${name}.js`, join(root, 'node_modules', name, file)]),
  );
  const page = readFileSync(join(import.meta.dirname, 'page/index.html'), 'utf8')
    .replace('{{import-map}}', map)
    .replaceAll('{{style-nonce}}', nonce)
    .replaceAll('{{nonce-mark}}', nonceMark);
  // Of all that stands between the tags, as the browser takes it.
  const [, inline = ''] = /<script type="importmap">([\s\S]*?)<\/script>/.exec(page) ?? [];
  const mapHash = createHash('sha256').update(inline).digest('base64');
  return {
    find(path) {
      if (path === '/') return { type: 'text/html; charset=utf-8', body: page };
      const module = modules.get(path);
      if (module !== undefined) return { type: javascript, body: readFileSync(module, 'utf8') };
      const type = Object.hasOwn(own, path) ? own[path] : undefined;
      if (type === undefined) return undefined;
      const text = readFileSync(join(root, path), 'utf8');
      return { type, body: path.endsWith('.ts') ? stripTypeScriptTypes(text) : text };
    },
    policy: [
      "default-src 'none'",
      `script-src 'self' 'sha256-${mapHash}'`,
      `style-src 'self' 'nonce-${nonce}'`,
      "img-src 'self' data:",
      "connect-src 'self'",
      "frame-src 'none'",
      "form-action 'none'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
  };
}
