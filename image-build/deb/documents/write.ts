/**
 * Writes what of a Debian package is made from the program itself:
 * `write.ts FOLDER VERSION DEBIAN_VERSION SECONDS NODE_MODULES BSD2 MAINTAINER` gives package.json, vigie.1, vigie.bash,
 * changelog, copyright.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { changelog } from './changelog.ts';
import { commandTree } from './command-tree.ts';
import { bashCompletion } from './completion.ts';
import { copyright } from './copyright.ts';
import { manualPage } from './manual-page.ts';

const [
  folder = '',
  version = '',
  debianVersion = '',
  seconds = '',
  nodeModules = '',
  bsd2 = '',
  maintainer = '',
] = process.argv.slice(2);
const date = new Date(Number(seconds) * 1000);
const tree = await commandTree();
mkdirSync(folder, { recursive: true });
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
write('package.json', `${JSON.stringify({ name: 'vigie', version, type: 'module' }, undefined, 2)}\n`);
write('vigie.1', manualPage(tree, { version, date: date.toISOString().slice(0, 10) }));
write('vigie.bash', bashCompletion(tree));
write('changelog', changelog(debianVersion, date, maintainer));
write('copyright', copyright(nodeModules, bsd2));
