/** Native pre- and post-processing reach what is published of the shared models, with either backend alike. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Box, iou } from '../../../evaluation/detection/average-precision.ts';
import { personAp50, personPictures } from '../../../evaluation/detection/person-pictures.ts';
import type { ClassificationManifest, DetectionManifest } from '../../../ota/bundle/manifest.ts';
import { type LoadedManifest, loadManifest } from '../../../ota/bundle/read-manifest.ts';
import { compileModel } from '../../../ota/model/compile.ts';
import { packageRoot } from '../../../runtime/core/paths.ts';
import { Classifier, type Detection, Detector } from '../../../runtime/pipeline/detection/detector.ts';
import { loadSession } from '../../../runtime/pipeline/inference/load-session.ts';
import { sharedPath } from '../../support/shared.ts';

const folder = sharedPath('data/images/coco-people');
const models = sharedPath('models');
const pictures = folder ? personPictures(folder) : [];

const example = (name: string) => loadManifest(join(packageRoot, 'examples/models', `${name}.manifest.json`));

const plans = mkdtempSync(join(tmpdir(), 'vigie-plans-'));
test.after(() => rmSync(plans, { recursive: true }));

/** The plan of a shared model. */
async function planOf(file: string): Promise<string> {
  const { bytes } = await compileModel({ path: join(models!, file) });
  const path = join(plans, `${basename(file, '.onnx')}.xnn`);
  writeFileSync(path, bytes);
  return path;
}

/** @param score replaces the manifest's threshold: average precision wants the doubtful boxes, too. */
async function detector(name: string, path: string, score?: number): Promise<Detector> {
  const { manifest, folder } = example(name) as LoadedManifest<DetectionManifest>;
  const thresholds = { ...manifest.thresholds, ...(score === undefined ? {} : { score }) };
  return new Detector(await loadSession({ path }), { manifest: { ...manifest, thresholds }, folder });
}

async function ap50(name: string, path: string, score: number): Promise<number> {
  const model = await detector(name, path, score);
  const result = await personAp50(pictures, (frame) => model.detect(frame));
  await model.close();
  return result;
}

interface Reference {
  readonly box: readonly [left: number, top: number, right: number, bottom: number];
  readonly score: number;
  readonly cls: number;
}

const referenceOf = (model: string): ReadonlyMap<string, readonly Reference[]> => {
  const all = JSON.parse(readFileSync(join(folder!, 'reference_detections.json'), 'utf8'));
  return new Map(pictures.map(({ file }) => [file, all[file][model]]));
};

/** A reference box within the picture. */
function within({ box: [left, top, right, bottom] }: Reference, width: number, height: number): Box {
  const [x, y] = [Math.max(left, 0), Math.max(top, 0)];
  return [x, y, Math.min(right, width) - x, Math.min(bottom, height) - y];
}

function isFound(
  reference: Reference,
  found: readonly Detection[],
  width: number,
  height: number,
  overlap: number,
) {
  const box = within(reference, width, height);
  return found.some(({ index, box: other }) => index === reference.cls && iou(box, other) >= overlap);
}

if (folder && models) {
  for (const { name, file, reference, doubtful } of [
    { name: 'yolox-nano', file: 'yolox-nano/yolox_nano.onnx', reference: 'yolox_nano_416', doubtful: 0.33 },
    { name: 'fastestdet', file: 'fastestdet/FastestDet.onnx', reference: 'fastestdet_352', doubtful: 0 },
  ]) {
    test(`${name} finds what its published Python code finds`, async () => {
      const model = await detector(name, join(models, file));
      const references = referenceOf(reference);
      const missing: string[] = [];
      let [expected, found] = [0, 0];
      for (const { file, frame } of pictures) {
        const detections = await model.detect(frame);
        found += detections.length;
        expected += references.get(file)!.length;
        for (const one of references.get(file)!) {
          // Boxes at the very threshold come and go with the rounding of a JPEG decoder.
          const due = one.score > doubtful;
          if (due && !isFound(one, detections, frame.width, frame.height, 0.85)) missing.push(file);
        }
      }
      await model.close();
      assert.equal(missing, []);
      assert.ok(Math.abs(found - expected) <= 2, `${found} boxes instead of ${expected}`);
    });
  }

  for (const { name, file, score, published } of [
    { name: 'yolox-nano', file: 'yolox-nano/yolox_nano.onnx', score: 0.1, published: 0.63 },
    { name: 'fastestdet', file: 'fastestdet/FastestDet.onnx', score: 0.3, published: 0.46 },
  ]) {
    test(`${name} finds persons as well as published, on XNNPACK as on ONNX Runtime`, async () => {
      const reference = await ap50(name, join(models, file), score);
      assert.ok(Math.abs(reference - published) <= 0.01, `person AP50 ${reference} with ONNX Runtime`);
      const native = await ap50(name, await planOf(file), score);
      assert.ok(
        Math.abs(native - reference) <= 0.001,
        `person AP50 ${native} with XNNPACK, ${reference} without`,
      );
    });
  }

  test('YuNet finds the same faces and landmarks with either backend', async () => {
    const file = 'yunet-face/yunet_n_320_320.onnx';
    const [reference, native] = [
      await detector('yunet-face', join(models, file)),
      await detector('yunet-face', await planOf(file)),
    ];
    let faces = 0;
    for (const { frame, persons } of pictures) {
      const expected = await reference.detect(frame);
      const found = await native.detect(frame);
      assert.is(found.length, expected.length);
      assert.ok(found.length === 0 || persons.length > 0, 'a face without a person');
      faces += found.length;
      for (const [i, { box, landmarks }] of found.entries()) {
        const [was, now] = [expected[i]!, [...box, ...landmarks!]];
        const same = [...was.box, ...was.landmarks!].every((value, k) => Math.abs(value - now[k]!) < 0.5);
        assert.ok(same, `${now} instead of ${was.box}, ${was.landmarks}`);
      }
    }
    assert.ok(faces >= 15, `${faces} faces`);
    await Promise.all([reference.close(), native.close()]);
  });

  test('Visual Wake Words tells pictures with persons from those without', async () => {
    const loaded = example('vww') as LoadedManifest<ClassificationManifest>;
    const files = ['small/vww_96_fp32.onnx', 'small/vww_96_int8_qdq.onnx'];
    const plans = await Promise.all(files.map(planOf));
    for (const path of [...files.map((file) => join(models, file)), ...plans]) {
      const model = new Classifier(await loadSession({ path }), loaded);
      let right = 0;
      for (const { frame, persons } of pictures) {
        const [best] = await model.classify(frame);
        // The data set that the model learnt from counts persons of half a per cent of the picture and more.
        const least = 0.005 * frame.width * frame.height;
        const person = persons.some(([, , width, height]) => width * height >= least);
        right += (best?.label === 'person') === person ? 1 : 0;
      }
      await model.close();
      assert.ok(right / pictures.length >= 0.95, `${path}: accuracy ${right / pictures.length}`);
    }
  });
}

test.run();
