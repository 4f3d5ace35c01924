/** A decoded picture of 640 × 480 to its boxes: the node's path against its peer's, with the same model and one thread each. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadManifest } from '../../ota/bundle/read-manifest.ts';
import { decodePicture, type Frame } from '../../runtime/addon/vision.ts';
import { InputError } from '../../runtime/core/errors.ts';
import { packageRoot } from '../../runtime/core/paths.ts';
import { Detector } from '../../runtime/pipeline/detection/detector.ts';
import { NativeBackendSession } from '../../runtime/pipeline/inference/native.ts';
import { atLeast, type BenchResult, info, percentile } from '../bench.ts';
import { openPeer, type PeerModel } from './js-peer.ts';
import { sharedFolder } from './models.ts';

const ROUNDS = 60;
const WARM_UP = 5;
const PICTURES = 6;

/** Models that the peer can decode, and their manifests. */
const DETECTORS: Readonly<Record<string, { peer: PeerModel; manifest: string }>> = {
  yolox_nano: { peer: 'yolox', manifest: 'yolox-nano' },
  fastestdet: { peer: 'fastestdet', manifest: 'fastestdet' },
};

/** A model's file and the plan compiled from it: both sides run the same numbers. */
export interface PlannedModel {
  readonly onnx: string;
  readonly plan: string;
}

/**
 * The sum is over int8, what a node runs: in float32 both sides spend most of their time in the same arithmetic.
 * @param planned by the name of the model and its precision
 */
export async function pictureToBoxes(
  names: readonly string[],
  planned: (name: string, precision: 'float' | 'int8') => PlannedModel,
): Promise<BenchResult[]> {
  const frames = pictures();
  const results: BenchResult[] = [];
  const speedups = { float: [] as number[], int8: [] as number[] };
  for (const name of names) {
    const known = DETECTORS[name];
    if (!known) continue;
    for (const precision of ['float', 'int8'] as const) {
      const { node, peer } = await compare(known, planned(name, precision), frames);
      speedups[precision].push(peer / node);
      results.push(
        info(`${name}_${precision}_picture_to_boxes_ms`, node, 'ms'),
        info(`${name}_${precision}_picture_to_boxes_peer_ms`, peer, 'ms'),
      );
    }
  }
  if (results.length === 0) return [];
  return [
    atLeast('picture_to_boxes_speedup', Math.min(...speedups.int8), 'x', 2),
    info('picture_to_boxes_float_speedup', Math.min(...speedups.float), 'x'),
    ...results,
  ];
}

/** Medians in milliseconds, measured in turns. */
async function compare(
  known: { peer: PeerModel; manifest: string },
  { onnx, plan }: PlannedModel,
  frames: readonly Frame[],
) {
  const loaded = loadManifest(join(packageRoot, 'examples', 'models', `${known.manifest}.manifest.json`));
  if (loaded.manifest.task !== 'detection')
    throw new InputError('bench-models', `${known.manifest} detects nothing`);
  const session = await NativeBackendSession.load('xnnpack', plan, { threads: 1 });
  const detector = new Detector(session, { ...loaded, manifest: loaded.manifest });
  const peer = await openPeer(known.peer, onnx);
  const times = { node: [] as number[], peer: [] as number[] };
  const timed = async (to: number[], keep: boolean, work: () => Promise<unknown>) => {
    const start = performance.now();
    await work();
    if (keep) to.push(performance.now() - start);
  };
  for (let i = -WARM_UP; i < ROUNDS; i++) {
    const frame = frames[(i + WARM_UP) % frames.length]!;
    await timed(times.node, i >= 0, () => detector.detect(frame));
    await timed(times.peer, i >= 0, () => peer.detect(frame));
  }
  await detector.close();
  await peer.close();
  return { node: percentile(times.node, 0.5), peer: percentile(times.peer, 0.5) };
}

function pictures(): Frame[] {
  const folder = join(sharedFolder(), 'data', 'images', 'coco-people', 'images');
  const files = readdirSync(folder).sort().slice(0, PICTURES);
  return files.map((file) => ({ format: 'rgb', ...decodePicture(readFileSync(join(folder, file))) }));
}
