/** The index of public models: that every entry is whole, and that broken ones are refused. */

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import type { PictureManifest } from '../../../../ota/bundle/manifest.ts';
import { manifestSchema } from '../../../../ota/bundle/manifest.ts';
import { labelsOf, loadManifest } from '../../../../ota/bundle/read-manifest.ts';
import { findModel, INDEX_FILE, loadIndex } from '../../../../runtime/cli/model/fetch/model-index.ts';
import { sharedPath } from '../../../support/shared.ts';
import { thrown } from '../../../support/thrown.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-index-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const index = loadIndex();

const FILES: Readonly<Record<string, string>> = {
  'yolox-nano': 'models/yolox-nano/yolox_nano.onnx',
  fastestdet: 'models/fastestdet/FastestDet.onnx',
  'yunet-face': 'models/yunet-face/yunet_n_320_320.onnx',
};

for (const model of index.models) {
  test(`${model.name}: an address that never changes, and a manifest that names the file`, () => {
    assert.match(model.source, /\/[0-9a-f]{40}\/|\/releases\/download\//);
    assert.is(basename(new URL(model.source).pathname), model.file);
    const path = join(index.folder, model.manifest);
    manifestSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    const { manifest } = loadManifest(path);
    assert.equal([manifest.license, manifest.task], [model.license, model.task]);
    const artifact = manifest.artifacts.find(({ path }) => path === model.file);
    assert.equal([artifact?.sha256, artifact?.backend], [model.sha256, 'onnxruntime']);
    assert.ok(labelsOf({ manifest: manifest as PictureManifest, folder: index.folder }).length > 0);
  });

  const file = sharedPath(FILES[model.name] ?? `models/${model.name}/${model.file}`);
  if (file) {
    test(`${model.name}: size and SHA-256 are those of the file`, () => {
      const bytes = readFileSync(file);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      assert.equal([bytes.length, sha256], [model.bytes, model.sha256]);
    });
  }
}

test('a name that is not there: the nearest, or all', () => {
  assert.is(findModel(index, 'fastestdet').file, 'FastestDet.onnx');
  const near = thrown(() => findModel(index, 'yolox-nan'));
  assert.equal([near.code, /did you mean 'yolox-nano'/.test(near.message)], ['model-unknown', true]);
  assert.match(
    thrown(() => findModel(index, 'resnet')).message,
    /there are: yolox-nano, fastestdet, yunet-face/,
  );
});

type Entry = Record<string, unknown>;
const wrong: [what: string, change: (entry: Entry, all: Entry[]) => unknown, says: RegExp][] = [
  ['http', (entry) => Object.assign(entry, { source: 'http://models.test/a.onnx' }), /source/],
  ['a sum too short', (entry) => Object.assign(entry, { sha256: 'abc' }), /64 hexadecimal/],
  [
    'a way out of the folder',
    (entry) => Object.assign(entry, { file: '../a.onnx' }),
    /file name without folders/,
  ],
  ['a hidden file', (entry) => Object.assign(entry, { manifest: '..' }), /file name without folders/],
  ['no bytes', (entry) => Object.assign(entry, { bytes: 0 }), /bytes/],
  ['too many bytes', (entry) => Object.assign(entry, { bytes: 1e12 }), /bytes/],
  ['an unknown key', (entry) => Object.assign(entry, { colour: 'red' }), /colour/],
  ['no licence', (entry) => delete entry.license, /license/],
  ['a name twice', (entry, all) => all.push(entry), /two have one name/],
];
for (const [what, change, says] of wrong) {
  test(`an index with ${what} is refused`, () => {
    const content = parse(readFileSync(INDEX_FILE, 'utf8')) as { models: Entry[] };
    change(content.models[0]!, content.models);
    const path = join(folder, 'index.yaml');
    writeFileSync(path, JSON.stringify(content));
    const error = thrown(() => loadIndex(path));
    assert.is(error.code, 'model-index-invalid');
    assert.match(error.message, says);
  });
}

test('an index that is no YAML, or absent', () => {
  const path = join(folder, 'broken.yaml');
  writeFileSync(path, 'models: [');
  for (const file of [path, join(folder, 'absent.yaml')])
    assert.is(thrown(() => loadIndex(file)).code, 'model-index-invalid');
});

test.run();
