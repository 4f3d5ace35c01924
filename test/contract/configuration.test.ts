import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../runtime/core/paths.ts';
import { editorSchema, referencePage } from '../../scripts/config-reference.ts';

const committed = (path: string) => readFileSync(join(packageRoot, path), 'utf8');

test('the reference page and the editor schema are what the schema says; otherwise run npm run docs', () => {
  assert.is(committed('docs/configuration.md'), referencePage());
  assert.is(committed('docs/schema/vigie.schema.json'), editorSchema());
});

test('every key is described', () => {
  const undescribed = referencePage()
    .split('\n')
    .filter((line) => /^\| `.*\|\s*\|$/.test(line));
  assert.equal(undescribed, []);
});

test.run();
