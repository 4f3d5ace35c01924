/** The two commands of docs/models.md on a real detector. */

import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../../runtime/core/paths.ts';
import { vigieHere } from '../../support/cli.ts';
import { sharedPath } from '../../support/shared.ts';

const yolox = sharedPath('models/yolox-nano/yolox_nano.onnx');
const picture = sharedPath('data/images/coco-people/images/000000000072.jpg');
const folder = mkdtempSync(join(tmpdir(), 'vigie-shared-models-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

if (yolox && picture) {
  test('YOLOX-nano, without a manifest beside it: compiled, then two giraffes', async () => {
    const [model, plan] = [join(folder, 'yolox_nano.onnx'), join(folder, 'yolox_nano.xnn')];
    copyFileSync(yolox, model);
    const compiled = await vigieHere(['model', 'compile', model, '--json']);
    assert.is(compiled.code, 0, compiled.stdout);
    const manifest = join(packageRoot, 'examples/models/yolox-nano.manifest.json');
    const { stdout, code } = await vigieHere([
      ...['model', 'run', plan, picture, '--manifest', manifest],
      ...['--threads', '1', '--json'],
    ]);
    const { backend, results } = JSON.parse(stdout);
    assert.equal([code, backend], [0, 'xnnpack']);
    const labels = results[0].detections.map(({ label }: { label: string }) => label);
    assert.equal(labels, ['giraffe', 'giraffe']);
  });
}

test.run();
