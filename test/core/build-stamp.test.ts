/** The build says when it was made: the floor of the time on a node that has no clock. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BUILD_FILE, builtAt } from '../../runtime/core/build-stamp.ts';
import { packageRoot } from '../../runtime/core/paths.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-stamp-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const dist = join(folder, 'dist');
const { SOURCE_DATE_EPOCH: _, ...env } = process.env;

function stamp(sources: string, more: Readonly<Record<string, string>> = {}) {
  rmSync(dist, { recursive: true, force: true });
  const script = join(packageRoot, 'scripts/build-stamp.ts');
  const args = ['--disable-warning=ExperimentalWarning', script, dist, sources];
  return spawnSync(process.execPath, args, { env: { ...env, ...more }, encoding: 'utf8' });
}

test('SOURCE_DATE_EPOCH says when', () => {
  assert.is(stamp(folder, { SOURCE_DATE_EPOCH: '1700000000' }).status, 0);
  assert.is(readFileSync(join(dist, BUILD_FILE), 'utf8'), '{"built":1700000000}\n');
  assert.is(builtAt(folder), 1_700_000_000_000);
});

test('else the commit does, the same each time', () => {
  const sources = join(folder, 'sources');
  mkdirSync(sources);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      cwd: sources,
      env: { ...env, GIT_COMMITTER_DATE: '1650000000 +0000' },
    });
  git('init', '-q');
  git('commit', '-q', '--allow-empty', '-m', 'first');
  for (let time = 0; time < 2; time++) {
    assert.is(stamp(sources).status, 0);
    assert.is(builtAt(folder), 1_650_000_000_000);
  }
});

test('sources that nothing dates give no stamp, and say so', () => {
  const bare = join(folder, 'bare');
  mkdirSync(bare);
  const { status, stderr } = stamp(bare);
  assert.is(status, 0);
  assert.match(stderr, /neither SOURCE_DATE_EPOCH nor a git commit/);
  assert.is(builtAt(folder), 0);
  assert.is(stamp(bare, { SOURCE_DATE_EPOCH: 'yesterday' }).status, 2);
});

test('a stamp that is damaged is none', () => {
  mkdirSync(dist, { recursive: true });
  for (const text of ['', '{"built":', '[]', 'null', '{"built":"now"}', '{"built":1.5}']) {
    writeFileSync(join(dist, BUILD_FILE), text);
    assert.is(builtAt(folder), 0, text);
  }
});

test.run();
