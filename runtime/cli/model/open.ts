/** Opens the model that a command line names, as the node would: by device profile, with the reasons. */

import { type LoadedManifest, loadManifest } from '../../../ota/bundle/read-manifest.ts';
import { findDevice } from '../../config/device-profile/device.ts';
import { readBoardFacts } from '../../config/device-profile/facts.ts';
import { sessionLimits } from '../../config/device-profile/session-limits.ts';
import { UsageError } from '../../core/errors.ts';
import { createLog } from '../../core/log.ts';
import { modelFiles } from '../../pipeline/inference/artifacts.ts';
import {
  type Choice,
  openModel,
  type PassedOver,
  unavailableBackends,
} from '../../pipeline/inference/choose-backend.ts';
import type { BackendName, Session } from '../../pipeline/inference/session.ts';
import { findManifest } from './find-manifest.ts';
import { kindOf } from './kind.ts';
import { loadArtifact } from './load-artifact.ts';
import type { NamedShapes } from './shapes.ts';
import { compiledPlan } from './temporary-plan.ts';

export const BACKENDS: readonly BackendName[] = ['xnnpack', 'tensorrt', 'onnxruntime'];

export interface OpenOptions {
  /** ONNX model, plan or manifest. */
  readonly file: string;
  /** Left out: the one beside the model. */
  readonly manifest?: string | undefined;
  /** Left out: the first of the device profile that can. An ONNX model is compiled first for `xnnpack`. */
  readonly backend?: BackendName | undefined;
  /** Name or path of a device profile; left out: the board's. */
  readonly profile?: string | undefined;
  /** Left out: the device profile's. */
  readonly threads?: number | undefined;
  readonly shapes?: NamedShapes;
}

export interface OpenedModel {
  readonly session: Session;
  readonly backend: BackendName;
  readonly passedOver: readonly PassedOver[];
  readonly manifest: LoadedManifest | undefined;
  /** Closes the session and removes what was made for it. */
  close(): Promise<void>;
}

/** @throws UsageError */
export function parseBackend(text: string | undefined): BackendName | undefined {
  const found = BACKENDS.find((name) => name === text);
  if (found || text === undefined) return found;
  throw new UsageError('usage', `--backend takes one of ${BACKENDS.join(', ')}, found '${text}'`);
}

/** @throws ModelError `no-backend` with the reason of each backend; InputError for files that cannot be read. */
export async function open(options: OpenOptions): Promise<OpenedModel> {
  const { file, backend } = options;
  const reference = options.profile;
  const { profile } = findDevice(reference === undefined ? undefined : { reference, by: '--profile' });
  const kind = kindOf(file);
  const named = options.manifest === undefined ? undefined : loadManifest(options.manifest);
  const manifest = named ?? (kind === 'manifest' ? loadManifest(file) : findManifest(file));
  const plan =
    kind === 'onnx' && backend === 'xnnpack' ? await compiledPlan(file, options.shapes) : undefined;
  const artifacts = plan
    ? { xnnpack: plan.path }
    : kind === 'manifest'
      ? pathsOf(modelFiles(manifest!, profile.models.precision))
      : kind === 'plan'
        ? { xnnpack: file }
        : { onnxruntime: file, tensorrt: file };
  try {
    const limits = sessionLimits(profile, readBoardFacts());
    const { session, chosen, passedOver }: Choice = await openModel({
      model: file,
      order: backend ? [backend] : profile.models.backends,
      artifacts,
      unavailable: await unavailableBackends(),
      session: { ...limits, ...(options.threads === undefined ? {} : { threads: options.threads }) },
      log: createLog('silent'),
      load: (artifact, session) => loadArtifact(artifact, session, profile),
    });
    const close = async () => {
      await session.close();
      plan?.remove();
    };
    return { session, backend: chosen, passedOver, manifest, close };
  } catch (error) {
    plan?.remove();
    throw error;
  }
}

function pathsOf(files: ReturnType<typeof modelFiles>): Partial<Record<BackendName, string>> {
  return Object.fromEntries(Object.entries(files).map(([backend, { path }]) => [backend, path]));
}
