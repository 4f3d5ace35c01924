/** The detector that `--model` names, asked for doubtful boxes too. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { DetectionManifest } from '../../../ota/bundle/manifest.ts';
import type { LoadedManifest } from '../../../ota/bundle/read-manifest.ts';
import { InputError, UsageError } from '../../core/errors.ts';
import type { ModelIdentity } from '../../core/messages.ts';
import { Detector } from '../../pipeline/detection/detector.ts';
import { open, parseBackend } from '../model/open.ts';
import { wholeNumber } from '../model/shapes.ts';

/** For parseArgs. */
export const MODEL_OPTIONS = {
  model: { type: 'string' },
  manifest: { type: 'string' },
  backend: { type: 'string' },
  profile: { type: 'string' },
  threads: { type: 'string' },
} as const;

export const MODEL_HELP = `  --model MODEL    manifest, ONNX model or plan (.xnn); its manifest is looked for beside it
  --manifest FILE  what the model wants to see and what its outputs mean (docs/models.md)
  --backend NAME   xnnpack (an ONNX model is compiled for it first), tensorrt or onnxruntime
  --profile …      device profile to run under (default: the board's)
  --threads N      processor threads (default: the device profile's)`;

export interface ModelArguments {
  readonly model?: string | undefined;
  readonly manifest?: string | undefined;
  readonly backend?: string | undefined;
  readonly profile?: string | undefined;
  readonly threads?: string | undefined;
}

export interface OpenedDetector {
  readonly detector: Detector;
  readonly backend: string;
  readonly identity: ModelIdentity;
  /** Of the manifest. */
  readonly threshold: number;
  close(): Promise<void>;
}

/** @param least score to ask for, from the manifest's. @throws UsageError, InputError `manifest-missing`, and as `open`. */
export async function openDetector(
  args: ModelArguments,
  least: (threshold: number) => number,
): Promise<OpenedDetector> {
  const { model: file, manifest, profile } = args;
  if (file === undefined) throw new UsageError('usage', 'name the model with --model MODEL');
  const threads = args.threads === undefined ? undefined : wholeNumber('threads', args.threads, 0, 256);
  const model = await open({ file, manifest, profile, backend: parseBackend(args.backend), threads });
  try {
    const { manifest: said, folder } = detectionManifest(file, model.manifest);
    const { thresholds, name, version } = said;
    const asked = { ...said, thresholds: { ...thresholds, score: least(thresholds.score) } };
    return {
      detector: new Detector(model.session, { manifest: asked, folder }),
      backend: model.backend,
      identity: { name, version, digest: digestOf(file) },
      threshold: thresholds.score,
      close: () => model.close(),
    };
  } catch (error) {
    await model.close();
    throw error;
  }
}

function detectionManifest(
  file: string,
  loaded: Awaited<ReturnType<typeof open>>['manifest'],
): LoadedManifest<DetectionManifest> {
  if (loaded?.manifest.task === 'detection') return loaded as LoadedManifest<DetectionManifest>;
  const why = loaded ? `its manifest is for ${loaded.manifest.task}` : 'it has no manifest';
  throw new InputError(
    'manifest-missing',
    `${file} finds nothing on pictures: ${why}. Name the manifest of a detection model with --manifest: docs/models.md`,
  );
}

const digestOf = (file: string) => `sha256:${createHash('sha256').update(readFileSync(file)).digest('hex')}`;
