/** The app's files, read once when the server starts. */
import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

const FILES: Readonly<Record<string, URL>> = {
  ...Object.fromEntries(
    [
      'index.html',
      'launch.html',
      'app.js',
      'launch.js',
      'record.js',
      'session.js',
      'style.css',
      'data.css',
      'icon.svg',
    ].map((name) => [name, new URL(`app/${name}`, import.meta.url)]),
  ),
  'vendor/fhir-client.js': new URL('../../node_modules/fhirclient/build/fhir-client.pure.min.js', import.meta.url),
};

/** Mounts the app below `/app/`. */
export async function serveApp(server: FastifyInstance): Promise<void> {
  for (const [name, location] of Object.entries(FILES)) {
    const content = await readFile(location);
    const type = TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
    const paths = name === 'index.html' ? ['/app/', '/app/index.html'] : [`/app/${name}`];
    for (const path of paths) {
      server.get(path, async (_request, reply) => reply.type(type).header('cache-control', 'no-cache').send(content));
    }
  }
  server.get('/app', async (_request, reply) => reply.redirect('/app/', 308));
}
