/** Vision processes with cameras of a test's own. */

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import { compileModel } from '../../ota/model/compile.ts';
import { captureProblem } from '../../runtime/addon/capture.ts';
import { loadProfile } from '../../runtime/config/device-profile/load.ts';
import { type CameraConfig, cameraConfig } from '../../runtime/config/schema/camera.ts';
import { bytes } from '../../runtime/core/units.ts';
import type { CameraEvent } from '../../runtime/sources/camera/events.ts';
import { CameraGroup, type CameraGroupOptions } from '../../runtime/sources/camera/group.ts';
import type { FrameDetections } from '../../runtime/sources/camera/messages.ts';
import { constant, graph, info, node, onnxModel, subgraph } from './onnx-writer.ts';
import { type TestSpine, testSpine } from './spine.ts';

/** Whether pictures can be captured here; says why not. */
export function canCapture(): boolean {
  const problem = captureProblem();
  if (problem !== undefined) console.log(`skip: ${problem}`);
  return problem === undefined;
}

/** A camera as vigie.yaml would have it, without motion gate. */
export function camera(config: object): CameraConfig {
  const plain = { source: { type: 'test' }, detection: { motion: { enabled: false } } };
  return cameraConfig.parse({ name: 'gate', ...plain, ...config });
}

export interface TestGroup {
  readonly group: CameraGroup;
  readonly events: CameraEvent[];
  readonly detections: FrameDetections[];
  readonly spine: TestSpine;
  /** Steps and reasons so far: `rebuild stall`. */
  steps(): string[];
  stop(): Promise<void>;
}

export async function startGroup(
  cameras: readonly CameraConfig[],
  more: Partial<CameraGroupOptions> = {},
): Promise<TestGroup> {
  const directory = mkdtempSync(join(tmpdir(), 'vigie-cameras-'));
  const spine = testSpine();
  const events: CameraEvent[] = [];
  const detections: FrameDetections[] = [];
  const group = new CameraGroup({
    group: 'test',
    cameras,
    profile: loadProfile('generic-x86-64'),
    limits: { threads: 1, memoryLimitBytes: bytes(2 ** 30) },
    ...spine,
    directory,
    readSecret: () => 'secret',
    onDetections: (frame) => detections.push(frame),
    onEvent: (event) => events.push(event),
    ...more,
  });
  await group.start(new AbortController().signal);
  return {
    group,
    events,
    detections,
    spine,
    steps: () => events.map(({ step, reason }) => `${step} ${reason}`),
    stop: async () => {
      await group.stop();
      rmSync(directory, { recursive: true });
    },
  };
}

/** `startGroup` for a file of tests: what a test starts is stopped after it. */
export function stoppedAfterEach(): typeof startGroup {
  const running: TestGroup[] = [];
  test.after.each(async () => {
    await Promise.all(running.splice(0).map((group) => group.stop()));
  });
  return async (...args) => {
    const group = await startGroup(...args);
    running.push(group);
    return group;
  };
}

/**
 * A detection model for 32 x 32 pixels in 4 x 4 cells: a lamp is where a cell is red, its box half of the picture wide and high.
 * @param bias added to each cell's confidence: 1 sees a lamp everywhere, -1 nowhere.
 * @param heavy convolutions besides that change nothing; each takes some 20 ms.
 */
export function lampOnnx(bias = 0, heavy = 0): Uint8Array {
  const width = 192;
  const burden = Array.from({ length: heavy }, (_, i) => i);
  return onnxModel({
    inputs: [info('x', 'float32', [1, 3, 32, 32])],
    outputs: [info('y', 'float32', [1, 6, 4, 4])],
    nodes: [
      node('AveragePool', ['x'], ['mean'], { kernel_shape: [8, 8], strides: [8, 8] }),
      node('Conv', ['mean', 'w', 'b'], [heavy > 0 ? 'lamps' : 'y']),
      ...(heavy > 0 ? [node('Conv', ['x', 'wide'], ['h0'], { pads: [1, 1, 1, 1] })] : []),
      ...burden.map((i) => node('Conv', [`h${i}`, 'deep'], [`h${i + 1}`], { pads: [1, 1, 1, 1] })),
      ...(heavy > 0
        ? [
            node('AveragePool', [`h${heavy}`], ['small'], { kernel_shape: [8, 8], strides: [8, 8] }),
            node('Conv', ['small', 'none'], ['nothing']),
            node('Add', ['lamps', 'nothing'], ['y']),
          ]
        : []),
    ],
    initializers: [
      constant('w', 'float32', [6, 3, 1, 1], [1, -1, -1, ...new Array(15).fill(0)]),
      constant('b', 'float32', [6], [bias, 0, 0, 0, 0, 1]),
      ...(heavy > 0
        ? [
            constant('wide', 'float32', [width, 3, 3, 3], new Float32Array(width * 27).fill(0.01)),
            constant('deep', 'float32', [width, width, 3, 3], new Float32Array(width * width * 9).fill(1e-4)),
            constant('none', 'float32', [6, width, 1, 1], new Float32Array(6 * width)),
          ]
        : []),
    ],
  });
}

/** Black passes; as soon as it sees a lamp it goes round and round for longer than anybody waits. */
export function hangingLampOnnx(): Uint8Array {
  const body = graph({
    inputs: [info('i', 'int64', []), info('go', 'bool', []), info('v', 'float32', [1, 6, 4, 4])],
    outputs: [info('on', 'bool', []), info('same', 'float32', [1, 6, 4, 4])],
    nodes: [node('Identity', ['go'], ['on']), node('Mul', ['v', 'by'], ['same'])],
    initializers: [constant('by', 'float32', [1], [1])],
  });
  return onnxModel({
    inputs: [info('x', 'float32', [1, 3, 32, 32])],
    outputs: [info('y', 'float32', [1, 6, 4, 4])],
    nodes: [
      node('AveragePool', ['x'], ['mean'], { kernel_shape: [8, 8], strides: [8, 8] }),
      node('Conv', ['mean', 'w', 'b'], ['lamps']),
      node('Slice', ['lamps', 'first', 'second', 'channels'], ['confidence']),
      node('ReduceMax', ['confidence'], ['best'], { keepdims: 0 }),
      node('Greater', ['best', 'half'], ['seen']),
      node('Cast', ['seen'], ['one'], { to: 7 }),
      node('Mul', ['one', 'many'], ['rounds']),
      node('Loop', ['rounds', 'yes', 'lamps'], ['y'], { body: subgraph(body) }),
    ],
    initializers: [
      constant('w', 'float32', [6, 3, 1, 1], [1, -1, -1, ...new Array(15).fill(0)]),
      constant('b', 'float32', [6], [0, 0, 0, 0, 0, 1]),
      constant('first', 'int64', [1], [0]),
      constant('second', 'int64', [1], [1]),
      constant('channels', 'int64', [1], [1]),
      constant('half', 'float32', [], [0.5]),
      constant('many', 'int64', [], [1e15]),
      constant('yes', 'bool', [], [1]),
    ],
  });
}

/** A lamp model for 16 x 16 pixels in 4 x 4 cells. */
export function smallLampOnnx(bias = 0): Uint8Array {
  return onnxModel({
    inputs: [info('x', 'float32', [1, 3, 16, 16])],
    outputs: [info('y', 'float32', [1, 6, 4, 4])],
    nodes: [
      node('AveragePool', ['x'], ['mean'], { kernel_shape: [4, 4], strides: [4, 4] }),
      node('Conv', ['mean', 'w', 'b'], ['y']),
    ],
    initializers: [
      constant('w', 'float32', [6, 3, 1, 1], [1, -1, -1, ...new Array(15).fill(0)]),
      constant('b', 'float32', [6], [bias, 0, 0, 0, 0, 1]),
    ],
  });
}

/** Sees a face where a cell is blue, its box a fifth of the picture wide and high, in the middle of the cell. */
export function faceOnnx(): Uint8Array {
  const middle = Math.atanh(0.5);
  const fifth = Math.log(0.2 / 0.8);
  return onnxModel({
    inputs: [info('x', 'float32', [1, 3, 32, 32])],
    outputs: [info('y', 'float32', [1, 6, 4, 4])],
    nodes: [
      node('AveragePool', ['x'], ['mean'], { kernel_shape: [8, 8], strides: [8, 8] }),
      node('Conv', ['mean', 'w', 'b'], ['y']),
    ],
    initializers: [
      constant('w', 'float32', [6, 3, 1, 1], [-1, -1, 1, ...new Array(15).fill(0)]),
      constant('b', 'float32', [6], [0.3, middle, middle, fifth, fifth, 1]),
    ],
  });
}

export interface LampParts {
  readonly version?: string;
  readonly label?: string;
  /** Models by precision, compiled to plans. */
  readonly models?: Readonly<Record<string, Uint8Array>>;
  /** They stay as they are, for ONNX Runtime: what no plan can express. */
  readonly onnx?: boolean;
  /** A smaller model beside it, for 16 x 16 pixels. */
  readonly smaller?: Uint8Array;
}

/** Writes plans and manifest.json of a lamp model. @returns the manifest. */
export async function writeLamp(folder: string, parts: LampParts = {}): Promise<Record<string, unknown>> {
  const { version = '1.0.0', label = 'lamp', models = { float32: lampOnnx() } } = parts;
  const artifact = async (name: string, model: Uint8Array) => {
    const onnx = join(folder, `lamp-${name}.onnx`);
    writeFileSync(onnx, model);
    if (parts.onnx) return { backend: 'onnxruntime', path: `lamp-${name}.onnx`, sha256: sha256(model) };
    const plan = (await compileModel({ path: onnx })).bytes;
    const path = `lamp-${name}.xnn`;
    writeFileSync(join(folder, path), plan);
    return { backend: 'xnnpack', path, sha256: sha256(plan) };
  };
  const artifacts: object[] = [];
  for (const [precision, model] of Object.entries(models))
    artifacts.push({ ...(await artifact(precision, model)), precision });
  const small = parts.smaller && {
    name: 'small',
    inputs: [{ name: 'x', type: 'float32', shape: [1, 3, 16, 16] }],
    outputs: [{ name: 'y', type: 'float32', shape: [1, 6, 4, 4] }],
    decoding: { head: 'fastestdet', output: 'y', stride: 4 },
    artifacts: [{ ...(await artifact('small', parts.smaller)), precision: 'float32' }],
  };
  const manifest = {
    schema: 1,
    name: 'lamp',
    version,
    task: 'detection',
    inputs: [{ name: 'x', type: 'float32', shape: [1, 3, 32, 32] }],
    outputs: [{ name: 'y', type: 'float32', shape: [1, 6, 4, 4] }],
    preprocessing: { resize: 'stretch', order: 'rgb', divisor: [255, 255, 255], layout: 'nchw' },
    decoding: { head: 'fastestdet', output: 'y', stride: 8 },
    thresholds: { score: 0.5, iou: 0.45 },
    labels: [label],
    artifacts,
    ...(small && { variants: [small] }),
  };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return manifest;
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** @returns the path of its manifest. */
export async function lampModel(folder: string, label = 'lamp'): Promise<string> {
  await writeLamp(folder, { label });
  return join(folder, 'manifest.json');
}

/** 160 x 120 pixels, black, with a red lamp in the upper left. */
export async function filmLamp(folder: string): Promise<void> {
  mkdirSync(folder);
  const lamp = await sharp({ create: { width: 40, height: 30, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  for (let i = 0; i < 40; i++) {
    const black = sharp({ create: { width: 160, height: 120, channels: 3, background: 'black' } });
    const name = `${String(i).padStart(3, '0')}.jpg`;
    await black
      .composite([{ input: lamp, left: 40, top: 30 }])
      .jpeg()
      .toFile(join(folder, name));
  }
}

/** GStreamer's own pattern, for a camera's `pipeline`: live, of this size. */
export function pattern(name: string, size = 'width=160,height=120'): string {
  return `videotestsrc is-live=true pattern=${name} ! video/x-raw,format=NV12,${size},framerate={fps}/1`;
}
