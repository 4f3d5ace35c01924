import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../runtime/core/paths.ts';
import { editorSchema, profilePage, profileSchema, referencePage } from '../../scripts/config-reference.ts';
import { manifestEditorSchema } from '../../scripts/manifest-reference.ts';

const committed = (path: string) => readFileSync(join(packageRoot, path), 'utf8');

test('the reference pages and the editor schemas are what the schema says; otherwise run npm run docs', () => {
  assert.is(committed('docs/configuration.md'), referencePage());
  assert.is(committed('docs/schema/vigie.schema.json'), editorSchema());
  assert.is(committed('docs/device-profile-reference.md'), profilePage());
  assert.is(committed('docs/schema/device-profile.schema.json'), profileSchema());
  assert.is(committed('docs/schema/manifest.schema.json'), manifestEditorSchema());
});

test('every key is described', () => {
  const undescribed = [referencePage(), profilePage()]
    .join('\n')
    .split('\n')
    .filter((line) => /^\| `.*\|\s*\|$/.test(line));
  assert.equal(undescribed, []);
});

test.run();
