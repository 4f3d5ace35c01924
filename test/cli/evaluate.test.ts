/** `vigie evaluate detection` and `intrusion` with a model of the test's own: it finds lamps. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { vigieHere } from '../support/cli.ts';
import { constant, info, node, onnxModel } from '../support/onnx-writer.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-evaluate-'));
test.after(() => rmSync(folder, { recursive: true }));

/** 32 x 32 pixels in 4 x 4 cells: objectness is how red a cell is, every box half of the picture wide and high. */
const model = join(folder, 'lamp.onnx');
writeFileSync(
  model,
  onnxModel({
    inputs: [info('x', 'float32', [1, 3, 32, 32])],
    outputs: [info('y', 'float32', [1, 6, 4, 4])],
    nodes: [
      node('AveragePool', ['x'], ['mean'], { kernel_shape: [8, 8], strides: [8, 8] }),
      node('Conv', ['mean', 'w', 'b'], ['y']),
    ],
    initializers: [
      constant('w', 'float32', [6, 3, 1, 1], [1, 0, 0, ...new Array(15).fill(0)]),
      constant('b', 'float32', [6], [0, 0, 0, 0, 0, 1]),
    ],
  }),
);
writeFileSync(
  join(folder, 'lamp.manifest.json'),
  JSON.stringify({
    schema: 1,
    name: 'lamp',
    version: '1.0.0',
    task: 'detection',
    inputs: [{ name: 'x', type: 'float32', shape: [1, 3, 32, 32] }],
    outputs: [{ name: 'y', type: 'float32', shape: [1, 6, 4, 4] }],
    preprocessing: { resize: 'stretch', order: 'rgb', divisor: [255, 255, 255], layout: 'nchw' },
    decoding: { head: 'fastestdet', output: 'y', stride: 8 },
    thresholds: { score: 0.5, iou: 0.45 },
    labels: ['lamp'],
    artifacts: [{ backend: 'onnxruntime', precision: 'float32', path: 'lamp.onnx', sha256: '0'.repeat(64) }],
  }),
);

/** Black, 64 x 64, with one cell of the model's grid lit in red. */
async function picture(name: string, cell?: readonly [number, number]): Promise<void> {
  const data = new Uint8Array(64 * 64 * 3);
  for (let i = 0; i < 64 * 64; i++) {
    const lit = cell && Math.floor((i % 64) / 16) === cell[0] && Math.floor(i / 1024) === cell[1];
    data[3 * i] = lit ? 255 : 0;
  }
  await sharp(data, { raw: { width: 64, height: 64, channels: 3 } })
    .png()
    .toFile(name);
}

const photos = join(folder, 'photos');
mkdirSync(photos);
await picture(join(photos, 'a.png'), [2, 2]);
await picture(join(photos, 'b.png'), [1, 1]);
const annotations = join(folder, 'lamps.json');
writeFileSync(
  annotations,
  JSON.stringify({
    images: [
      { id: 1, file_name: 'a.png' },
      { id: 2, file_name: 'b.png' },
    ],
    categories: [{ id: 5, name: 'lamp' }],
    annotations: [
      { image_id: 1, category_id: 5, bbox: [16, 16, 32, 32] },
      { image_id: 2, category_id: 5, bbox: [32, 32, 32, 32] },
    ],
  }),
);

const by = ['--model', model, '--backend', 'onnxruntime'];

test('detection: one lamp found where it is, one elsewhere', async () => {
  const args = ['--images', photos, '--annotations', annotations, ...by];
  const { code, stdout, stderr } = await vigieHere(['evaluate', 'detection', ...args, '--json']);
  assert.is(code, 0, stderr);
  const report = JSON.parse(stdout);
  assert.is(report.pictures, 2);
  assert.is(report.backend, 'onnxruntime');
  assert.is(report.labels[0].precision, 0.5);
  assert.is(report.labels[0].recall, 0.5);
  assert.ok(Math.abs(report.ap50 - 0.5) < 0.01, `${report.ap50}`);
  const said = await vigieHere(['evaluate', 'detection', ...args]);
  assert.match(said.stdout, /^lamp +2 /m);
});

test('intrusion: a lamp that goes on in a zone', async () => {
  const video = join(folder, 'video');
  mkdirSync(video);
  for (let i = 0; i < 12; i++) {
    await picture(join(video, `${String(i).padStart(2, '0')}.png`), i < 3 ? undefined : [2, 2]);
  }
  const expect = join(folder, 'expect.yaml');
  writeFileSync(
    expect,
    `detection: { labels: [lamp], zones: [{ name: room, polygon: [[0, 0], [1, 0], [1, 1], [0, 1]] }] }
events: [{ zone: room, label: lamp, at: 300ms }]
open: { room: 1 }
`,
  );
  const args = ['evaluate', 'intrusion', '--video', video, '--expect', expect, ...by];
  const { code, stdout, stderr } = await vigieHere([...args, '--json']);
  assert.is(code, 0, stderr);
  const report = JSON.parse(stdout);
  assert.ok(report.right, stdout);
  assert.is(report.found[0].delayMs, 200);
  assert.match((await vigieHere(args)).stdout, /1 found, 0 missed, 0 false: right/);
});

for (const [args, code, says] of [
  [['detection'], 2, /name the folder of pictures/],
  [['detection', '--images', photos], 2, /name the true boxes/],
  [['detection', '--images', photos, '--annotations', annotations], 2, /name the model/],
  [['intrusion'], 2, /name the recording/],
  [['intrusion', '--video', 'x'], 2, /name what should happen/],
  [['intrusion', '--video', 'x', '--expect', 'y', '--every', '0', ...by], 2, /every/],
  [['intrusion', '--video', 'x', '--expect', join(folder, 'none'), ...by], 1, /cannot be read/],
  [['detection', '--images', folder, '--annotations', annotations, ...by], 1, /a\.png cannot be read/],
  [
    ['detection', '--images', photos, '--annotations', annotations, '--label', 'cat', ...by],
    1,
    /'cat' is not/,
  ],
] as const) {
  test(`evaluate ${args.map((arg) => arg.split('/').at(-1)).join(' ')}: ${says}`, async () => {
    const ended = await vigieHere(['evaluate', ...args]);
    assert.is(ended.code, code, ended.stderr);
    assert.match(ended.stderr, says);
  });
}

for (const kind of ['detection', 'intrusion', 'anomaly']) {
  test(`evaluate ${kind} --help`, async () => {
    const { code, stdout } = await vigieHere(['evaluate', kind, '--help']);
    assert.is(code, 0);
    assert.match(stdout, new RegExp(`^Usage: vigie evaluate ${kind}`));
  });
}

test.run();
