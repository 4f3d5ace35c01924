/** Bundles as the store hands them over, made of small models, for tests of what serves them. */

import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HealthGate } from '../../ota/bundle/bundle.ts';
import { type VectorCase, writeVectors } from '../../ota/bundle/vectors.ts';
import type { InstalledBundle } from '../../ota/client/host.ts';
import { constant, info, node, onnxModel } from './onnx-writer.ts';

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** score = sum(gain * x) + offset, x: float32 [1, width]. @param ballast bytes that it carries along and does not read. */
export function scoreOnnx(width: number, gain = 1, offset = 0, ballast = 0): Uint8Array {
  return onnxModel({
    inputs: [info('x', 'float32', [1, width])],
    outputs: [info('score', 'float32', [1, 1])],
    nodes: [node('MatMul', ['x', 'w'], ['h']), node('Add', ['h', 'b'], ['score'])],
    initializers: [
      constant('w', 'float32', [width, 1], Array(width).fill(gain)),
      constant('b', 'float32', [1], [offset]),
      ...(ballast > 0 ? [constant('ballast', 'uint8', [ballast], randomBytes(ballast))] : []),
    ],
  });
}

export interface BundleParts {
  readonly name?: string;
  readonly release?: number;
  /** The ONNX file, or any other by path. */
  readonly model?: Uint8Array;
  readonly files?: Readonly<Record<string, Uint8Array>>;
  readonly artifacts?: readonly {
    backend: 'onnxruntime' | 'xnnpack' | 'tensorrt';
    precision: 'float32';
    path: string;
  }[];
  readonly manifest?: Readonly<Record<string, unknown>>;
  readonly cases?: readonly VectorCase[];
  readonly tolerance?: number;
  readonly threshold?: number;
  readonly inputShape?: readonly number[];
}

const GATE: HealthGate = { windowSeconds: 5, minInferences: 10, maxErrorRate: 0 };
const folders: string[] = [];

/** `test.after(removeBundles)` */
export function removeBundles(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

export function bundleOf(parts: BundleParts = {}): InstalledBundle {
  const { name = 'score', release = 1, model = scoreOnnx(2), threshold = 10, inputShape = [1, 2] } = parts;
  const folder = mkdtempSync(join(tmpdir(), 'vigie-bundle-'));
  folders.push(folder);
  const artifacts = parts.artifacts ?? [
    { backend: 'onnxruntime', precision: 'float32', path: 'model.onnx' } as const,
  ];
  const contents: Record<string, Uint8Array> = { 'model.onnx': model, ...parts.files };
  const listed = artifacts.map((artifact) => ({ ...artifact, sha256: sha(contents[artifact.path]!) }));
  const manifest = {
    schema: 1,
    name,
    version: `1.0.${release}`,
    task: 'anomaly',
    inputs: [{ name: 'x', type: 'float32', shape: inputShape }],
    outputs: [{ name: 'score', type: 'float32', shape: [1, 1] }],
    artifacts: listed,
    decoding: { head: 'score', output: 'score' },
    thresholds: { score: threshold },
    ...parts.manifest,
  };
  contents['manifest.json'] = Buffer.from(JSON.stringify(manifest));
  if (parts.cases) contents['golden.bin'] = writeVectors(parts.cases);
  const paths = new Map(
    Object.entries(contents).map(([path, bytes]) => {
      // Named by hash, as in the store: nothing may depend on an ending.
      const file = join(folder, sha(bytes));
      writeFileSync(file, bytes);
      return [path, file] as const;
    }),
  );
  const files = Object.entries(contents).map(([path, bytes]) => ({
    path,
    sha256: sha(bytes),
    length: bytes.length,
    blocks: sha(bytes),
  }));
  return {
    name,
    release,
    digest: sha(Buffer.from(JSON.stringify(files))),
    bundle: {
      _type: 'vigie-bundle',
      v: 1,
      name,
      version: `1.0.${release}`,
      release,
      requires: {},
      files,
      deltas: [],
      selftest: parts.cases ? { vectors: 'golden.bin', tolerance: parts.tolerance ?? 0.01 } : undefined,
      health: GATE,
      trial: { attempts: 3 },
    },
    file: (path) => {
      const found = paths.get(path);
      if (!found) throw new Error(`no ${path}`);
      return found;
    },
  };
}

/** One golden vector of `scoreOnnx`. */
export function scoreCase(x: readonly number[], score: number): VectorCase {
  return {
    inputs: { x: { type: 'float32', shape: [1, x.length], data: Float32Array.from(x) } },
    outputs: { score: { type: 'float32', shape: [1, 1], data: Float32Array.of(score) } },
  };
}
