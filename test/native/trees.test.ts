/** Builds the tree code with sanitizers and runs `trees_check.cc` on it. */

import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../runtime/core/paths.ts';

const run = promisify(execFile);

test('the tree code is clean under the address and undefined-behaviour sanitizers', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vigie-native-'));
  try {
    const sources = globSync(
      ['native/trees/*.cc', 'native/core/natural_log.cc', 'test/native/trees_check.cc'],
      {
        cwd: packageRoot,
      },
    );
    const program = join(folder, 'trees_check');
    const flags = ['-std=gnu++20', '-O1', '-g1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
    const strict = ['-D_GLIBCXX_ASSERTIONS', '-Wall', '-Wextra', '-Werror', '-Inative'];
    await run('g++', [...flags, ...strict, ...sources, '-o', program], { cwd: packageRoot });
    const { stdout, stderr } = await run(program);
    assert.is(stdout, 'trees: all checks passed\n');
    assert.is(stderr, '');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();
