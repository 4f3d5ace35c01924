import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot, siblingModule } from '../../runtime/core/paths.ts';

test('the package root holds package.json and the launcher', () => {
  for (const name of ['package.json', 'bin/vigie', 'bin/node'])
    assert.ok(existsSync(join(packageRoot, name)), name);
});

test('a sibling has the extension under which its caller runs', () => {
  assert.is(siblingModule('file:///a/runtime/x.ts', './worker').href, 'file:///a/runtime/worker.ts');
  assert.is(
    siblingModule('file:///a/dist/runtime/x.js', './worker').href,
    'file:///a/dist/runtime/worker.js',
  );
  assert.is(siblingModule('file:///a%20b/x.ts?y=1', '../w').href, 'file:///w.ts');
});

test.run();
