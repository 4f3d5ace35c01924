/** Builds pre-processing, decoding and the picture readers with sanitizers and runs `vision_check.cc` on them. */

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

test('the picture code is clean under the sanitizers and allocates nothing once it is warm', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vigie-native-'));
  try {
    const folders = ['native/preprocess', 'native/postprocess', 'native/image', 'native/draw'];
    const sources = globSync(
      [...folders.map((one) => `${one}/*.cc`), 'native/backends/types.cc', 'test/native/vision_check.cc'],
      { cwd: packageRoot },
    );
    const program = join(folder, 'vision_check');
    const flags = ['-std=gnu++20', '-O1', '-g1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
    const strict = ['-D_GLIBCXX_ASSERTIONS', '-Wall', '-Wextra', '-Werror', '-Inative'];
    const libraries = ['-lturbojpeg', '-lpng'];
    await run('g++', [...flags, ...strict, ...sources, ...libraries, '-o', program], { cwd: packageRoot });
    const { stdout, stderr } = await run(program);
    assert.is(stdout, 'vision: all checks passed\n');
    assert.is(stderr, '');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();
