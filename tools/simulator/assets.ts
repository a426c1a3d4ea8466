/**
 * What the browser loads: the page, its modules, and CodeMirror, all from this machine. There is no build. The page's own
 * modules are TypeScript whose types are taken out when they are served; packages are served as they are installed.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripTypes } from '../../engine/script/compile/strip-types.ts';
import { nonceMark } from './inline-page.ts';

export interface Asset {
  readonly type: string;
  readonly body: string;
}

export interface Assets {
  /** The page, with the content security policy that fits it: another one each time. */
  page(): Asset & { readonly policy: string };
  /** What the page loads. @param path as in the address below the page, without a query. */
  find(path: string): Asset | undefined;
}

export interface AssetsOptions {
  /** The path that the page is served below, without a slash at its end; none unless given. */
  readonly base?: string;
  /** Whether a folder is worked on, or the tenants of a running server. */
  readonly works: 'on a folder' | 'on a server';
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
      'reports.ts',
      'share.ts',
      'trace.ts',
      'trace-list.ts',
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

export function createAssets({ base = '', works }: AssetsOptions): Assets {
  const map = JSON.stringify({
    imports: Object.fromEntries(Object.keys(packages).map((name) => [name, `${base}/modules/${name}.js`])),
  });
  const modules = new Map(
    Object.entries(packages).map(([name, file]) => [`/modules/${name}.js`, join(root, 'node_modules', name, file)]),
  );
  const template = readFileSync(join(import.meta.dirname, 'page/index.html'), 'utf8')
    .replace('{{import-map}}', map)
    .replaceAll('{{base}}', base)
    .replaceAll('{{works}}', works)
    .replaceAll('{{nonce-mark}}', nonceMark);
  // Of all that stands between the tags, as the browser takes it.
  const [, inline = ''] = /<script type="importmap">([\s\S]*?)<\/script>/.exec(template) ?? [];
  const mapHash = createHash('sha256').update(inline).digest('base64');
  return {
    page() {
      const nonce = randomBytes(16).toString('base64');
      return {
        type: 'text/html; charset=utf-8',
        body: template.replaceAll('{{style-nonce}}', nonce),
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
    },
    find(path) {
      const module = modules.get(path);
      if (module !== undefined) return { type: javascript, body: readFileSync(module, 'utf8') };
      const type = Object.hasOwn(own, path) ? own[path] : undefined;
      if (type === undefined) return undefined;
      const text = readFileSync(join(root, path), 'utf8');
      if (!path.endsWith('.ts')) return { type, body: text };
      const stripped = stripTypes(path, text);
      return stripped.ok ? { type, body: stripped.text } : undefined;
    },
  };
}
