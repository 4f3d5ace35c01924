/** Which backend of a device profile runs a model on this machine, and why the ones before it do not. */

import { describeError, ModelError, VigieError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { type Artifact, loadSession } from './load-session.ts';
import type { BackendName, Session, SessionOptions } from './session.ts';

export interface PassedOver {
  readonly backend: BackendName;
  /** `no-artifact`, `backend-unavailable`, or the code of the load that failed. */
  readonly code: string;
  readonly reason: string;
}

export interface Choice {
  readonly chosen: BackendName;
  readonly session: Session;
  /** Those before the chosen one, in order. */
  readonly passedOver: readonly PassedOver[];
}

export interface ChoiceOptions {
  /** How the log and errors name the model. */
  readonly model: string;
  /** The device profile's. */
  readonly order: readonly BackendName[];
  /** Files of the model by the backend that runs them. */
  readonly artifacts: Readonly<Partial<Record<BackendName, string>>>;
  /** Why a backend cannot be used on this machine, for those of which that is known. */
  readonly unavailable: ReadonlyMap<BackendName, string>;
  readonly session?: SessionOptions;
  readonly log: Log;
  /** For tests. */
  readonly load?: (artifact: Artifact, options: SessionOptions) => Promise<Session>;
}

/**
 * Loads with the first backend that can. Every reason is logged once.
 * @throws ModelError `no-backend` when none can; its text and its facts hold every reason.
 */
export async function openModel(options: ChoiceOptions): Promise<Choice> {
  const { model, log, load = loadSession } = options;
  const passedOver: PassedOver[] = [];
  for (const backend of options.order) {
    const path = options.artifacts[backend];
    const unavailable = options.unavailable.get(backend);
    if (path === undefined) {
      passedOver.push({ backend, code: 'no-artifact', reason: 'the model comes with no file for it' });
      continue;
    }
    if (unavailable !== undefined) {
      passedOver.push({ backend, code: 'backend-unavailable', reason: unavailable });
      continue;
    }
    try {
      const session = await load({ path, backend }, options.session ?? {});
      report(log, model, passedOver);
      log.info({ event: 'inference.backend.chosen', model, backend }, `${model} runs on ${backend}`);
      return { chosen: backend, session, passedOver };
    } catch (error) {
      const code = error instanceof VigieError ? error.code : 'load-failed';
      passedOver.push({ backend, code, reason: describeError(error) });
    }
  }
  report(log, model, passedOver);
  const reasons = passedOver.map(({ backend, reason }) => `${backend}: ${reason}`);
  throw new ModelError(
    'no-backend',
    `no backend of the device profile can run ${model}: ${reasons.join('; ') || 'it names none'}`,
    { facts: { model, passedOver } },
  );
}

function report(log: Log, model: string, passedOver: readonly PassedOver[]): void {
  for (const { backend, code, reason } of passedOver) {
    // A model without a file for a backend is as its maker meant it; the others someone may want to mend.
    const level = code === 'no-artifact' ? 'debug' : 'warn';
    log[level](
      { event: 'inference.backend.passed-over', model, backend, code },
      `${model} does not run on ${backend}: ${reason}`,
    );
  }
}

/** Why backends cannot be used on this machine. One that is not in it may be tried. */
export async function unavailableBackends(): Promise<ReadonlyMap<BackendName, string>> {
  const reasons = new Map<BackendName, string>();
  for (const backend of ['xnnpack', 'tensorrt'] as const) reasons.set(backend, 'the native addon has none');
  try {
    const { nativeBackends } = await import('../../addon/native-session.ts');
    for (const { name, unavailable } of nativeBackends()) {
      if (unavailable === undefined) reasons.delete(name as BackendName);
      else reasons.set(name as BackendName, unavailable);
    }
  } catch (error) {
    for (const backend of reasons.keys()) reasons.set(backend, describeError(error));
  }
  try {
    import.meta.resolve('onnxruntime-node');
  } catch {
    reasons.set('onnxruntime', 'the package onnxruntime-node is not installed');
  }
  return reasons;
}
