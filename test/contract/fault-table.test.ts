/** test/scenario/README.md names tests that are there. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../runtime/core/paths.ts';

const folder = join(packageRoot, 'test');
const table = readFileSync(join(folder, 'scenario/README.md'), 'utf8');
const rows = [...table.matchAll(/^\| (.+?) \| `(.+?)`: (.+?) \|$/gm)];

test('each fault has its test', () => {
  assert.ok(rows.length >= 14, `${rows.length} rows`);
  for (const [, fault, file, name] of rows) {
    const path = join(folder, file!);
    assert.ok(existsSync(path), `${fault}: there is no ${file}`);
    assert.ok(
      readFileSync(path, 'utf8').includes(`test('${name}'`),
      `${fault}: ${file} has no test '${name}'`,
    );
  }
});

test.run();
