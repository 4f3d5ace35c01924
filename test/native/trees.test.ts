/** Builds the tree code with sanitizers and runs `trees_check.cc` on it. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sanitizedProgram } from '../support/sanitized.ts';

const run = promisify(execFile);

test('the tree code is clean under the address and undefined-behaviour sanitizers', async () => {
  const sources = ['native/trees/*.cc', 'native/core/natural_log.cc', 'test/native/trees_check.cc'];
  const { stdout, stderr } = await run(await sanitizedProgram({ name: 'trees_check', sources }));
  assert.is(stdout, 'trees: all checks passed\n');
  assert.is(stderr, '');
});

test.run();
