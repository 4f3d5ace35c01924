/** Builds pre-processing, decoding and the picture readers with sanitizers and runs `vision_check.cc` on them. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sanitizedProgram } from '../support/sanitized.ts';

const run = promisify(execFile);

test('the picture code is clean under the sanitizers and allocates nothing once it is warm', async () => {
  const folders = ['preprocess', 'postprocess', 'image', 'draw'].map((folder) => `native/${folder}/*.cc`);
  const sources = [...folders, 'native/backends/types.cc', 'test/native/vision_check.cc'];
  const libraries = ['-lturbojpeg', '-lpng'];
  const { stdout, stderr } = await run(await sanitizedProgram({ name: 'vision_check', sources, libraries }));
  assert.is(stdout, 'vision: all checks passed\n');
  assert.is(stderr, '');
});

test.run();
