/** Builds and runs the checks of the XNNPACK backend's native code, also under valgrind, and replays the fuzzer's corpus. */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../runtime/core/paths.ts';

const run = promisify(execFile);
const folder = join(packageRoot, 'build/native');
const check = join(folder, 'tests/xnnpack_check');
const corpus = join(packageRoot, 'test/native/fuzz/corpus/plan');

test.before(async () => {
  await run('cmake', ['--build', folder, '--target', 'xnnpack_check', 'plan_replay', '--parallel', '2']);
});

test('sessions convert, compute, share threads, allocate nothing and refuse damaged plans', async () => {
  const { stdout, stderr } = await run(check);
  assert.is(stdout, 'xnnpack: all checks passed\n');
  assert.is(stderr, '');
});

test('valgrind finds no leak and no wrong access', async () => {
  if (!existsSync('/usr/bin/valgrind')) {
    process.stderr.write('skipped: valgrind is not installed\n');
    return;
  }
  const strict = ['--error-exitcode=9', '--leak-check=full', '--errors-for-leak-kinds=definite,indirect'];
  const { stdout } = await run('valgrind', ['-q', ...strict, check, '--valgrind']);
  assert.is(stdout, 'xnnpack: all checks passed\n');
});

test('what the fuzzer has found stays harmless', async () => {
  const files = (await readdir(corpus)).map((name) => join(corpus, name));
  assert.ok(files.length >= 5);
  const { stdout, stderr } = await run(join(folder, 'tests/plan_replay'), files);
  assert.is(stdout, `replayed ${files.length} files\n`);
  assert.is(stderr, '');
});

test.run();
