/** Manual page, completion and changelog of the Debian packages, and what they are built from. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { changelog } from '../../image-build/deb/documents/changelog.ts';
import { commandTree } from '../../image-build/deb/documents/command-tree.ts';
import { bashCompletion } from '../../image-build/deb/documents/completion.ts';
import { copyright } from '../../image-build/deb/documents/copyright.ts';
import { manualPage } from '../../image-build/deb/documents/manual-page.ts';
import { loadConfigFile } from '../../runtime/config/load.ts';
import { packageRoot } from '../../runtime/core/paths.ts';

const DEB = join(packageRoot, 'image-build', 'deb');
const tree = await commandTree();
const folder = mkdtempSync(join(tmpdir(), 'vigie-package-'));
test.after(() => rmSync(folder, { recursive: true }));

/** What completion offers after `vigie WORDS`, the last of which is being typed. */
function offered(...words: string[]): string[] {
  const file = join(folder, 'vigie.bash');
  writeFileSync(file, bashCompletion(tree));
  const script = `source ${file}; COMP_WORDS=(vigie "$@"); COMP_CWORD=$#; _vigie; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8', cwd: folder });
  return output.trim().split('\n');
}

test('the manual page has every command and action, and no line that roff would take for a request', () => {
  const page = manualPage(tree, { version: '1.2.3', date: '2026-01-05' });
  for (const { name } of tree.commands) assert.match(page, `.B ${name.replaceAll('-', '\\-')}`);
  assert.match(page, '.SH "VIGIE OTA KEY GEN"');
  assert.match(page, '"vigie 1.2.3"');
  const requests = page.split('\n').filter((line) => /^[.']/.test(line));
  for (const request of requests) assert.match(request, /^\.(TH|SH|TP|B|I|RI|BR|PP|nf|fi)( |$)/);
});

test('every page that the manual prints begins with its usage', () => {
  for (const { words, help } of tree.pages) assert.ok(help.startsWith('Usage: vigie'), words.join(' '));
});

test('completion knows commands, actions and options', () => {
  assert.equal(offered('do'), ['doctor']);
  assert.equal(offered('ota', 'key', ''), ['gen', 'info']);
  assert.equal(offered('outbox', 'e'), ['export']);
  assert.equal(offered('doctor', '--js'), ['--json']);
  assert.equal(offered('model', 'compile', '--ba'), ['--backend']);
});

test('completion falls back to files', () => {
  writeFileSync(join(folder, 'plant.yaml'), '');
  assert.equal(offered('check', 'pla'), ['plant.yaml']);
  assert.equal(offered('run', '--config', 'pla'), ['plant.yaml']);
});

test('the changelog has the time of the commit and its writer in the form that Debian asks for', () => {
  const text = changelog('0.2.0~rc.1', new Date(Date.UTC(2026, 0, 5, 10)), 'Ada <ada@example.org>');
  assert.match(text, 'vigie (0.2.0~rc.1) stable; urgency=medium');
  assert.match(text, ' -- Ada <ada@example.org>  Mon, 05 Jan 2026 10:00:00 +0000\n');
});

test('the copyright file names each npm package, and says which one has no licence', () => {
  const modules = join(folder, 'node_modules');
  const bsd = join(folder, 'bsd');
  writeFileSync(bsd, 'Redistribution and use\n');
  const add = (name: string, manifest: object, license: string) => {
    execFileSync('mkdir', ['-p', join(modules, name)]);
    writeFileSync(
      join(modules, name, 'package.json'),
      JSON.stringify({ name, version: '1.0.0', ...manifest }),
    );
    writeFileSync(join(modules, name, 'LICENSE'), license);
  };
  add('kind', { license: 'MIT' }, 'MIT License\n\nCopyright (c) 2020 Ada\n\nPermission is granted');
  add('other', { license: 'BSD-3-Clause' }, 'Copyright 2021, Grace\n\nRedistribution');
  const text = copyright(modules, bsd);
  assert.match(text, 'Files: usr/lib/vigie/node_modules/kind/*\nCopyright: 2020 Ada\nLicense: Expat');
  assert.match(text, /\nLicense: Expat\n MIT License\n \.\n/);
  assert.not.match(text.slice(text.indexOf('\nLicense: Expat\n M')), 'Ada');
  add('bare', {}, 'Copyright 2021 Nobody');
  assert.throws(() => copyright(modules, bsd), /the npm package bare names no licence/);
});

test('the default configuration is valid as it stands and with every example in it', () => {
  const text = readFileSync(join(DEB, 'vigie.yaml'), 'utf8');
  assert.equal(loadConfigFile(join(DEB, 'vigie.yaml')).problems, []);
  // What follows the last commented block's heading is YAML behind `# `; the text above each is prose.
  const uncommented = text
    .split('\n')
    .map((line) =>
      /^ *# (?:sources:|http:| |passwordFile|username|url: mqtts|tls:)/.test(line)
        ? line.replace('# ', '')
        : line,
    )
    .filter(
      (line) => !/^ +(?:vigie check|systemctl|install) /.test(line) && line !== '  url: mqtt://localhost',
    );
  const file = join(folder, 'all.yaml');
  writeFileSync(file, uncommented.join('\n'));
  const { problems, config } = loadConfigFile(file);
  assert.equal(problems, []);
  assert.is(config?.sources.length, 2);
});

test('packages carry the Node.js that the project is tested with', () => {
  const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
  const { devDependencies } = read(join(packageRoot, 'package.json'));
  const { optionalDependencies } = read(join(DEB, 'runtime', 'package.json'));
  assert.equal(Object.values(optionalDependencies), [devDependencies.node, devDependencies.node]);
});

test.run();
