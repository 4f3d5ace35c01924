/** The models that come as bundles: what the update client asks of this node (ota/client/host.ts), slot by slot. */

import { MANIFEST_FILE } from '../../../ota/bundle/read-bundle.ts';
import { inlined } from '../../../ota/bundle/read-manifest.ts';
import type {
  InstalledBundle,
  ModelHost,
  OutputReference,
  ServingMeasures,
} from '../../../ota/client/host.ts';
import type { Clock } from '../../core/clock.ts';
import { ModelError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { type ModelStatus, NO_MODEL } from '../../core/status.ts';
import { type Millis, millis } from '../../core/units.ts';
import type { BackendName } from '../inference/session.ts';
import { chooseArtifact, type ModelMachine, manifestOf, openArtifact } from './open-bundle.ts';
import { type RemoteModel, RemoteSlot } from './remote-slot.ts';
import { runSelftest, type SelftestLimits } from './selftest.ts';
import { type LoadedModel, ModelSlot } from './slot.ts';
import { warmUp } from './warm-up.ts';

export interface ModelsOptions {
  /** Asked once, before the first model. */
  readonly machine: () => ModelMachine;
  readonly unavailable: () => Promise<ReadonlyMap<BackendName, string>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly selftest?: SelftestLimits;
}

export class Models implements ModelHost {
  readonly #options: ModelsOptions;
  readonly #slots = new Map<string, ModelSlot>();
  readonly #remote = new Map<string, RemoteSlot>();
  #machine: ModelMachine | undefined;
  #unavailable: ReadonlyMap<BackendName, string> = new Map();

  constructor(options: ModelsOptions) {
    this.#options = options;
  }

  /** Looks at the machine; before everything else. */
  async start(): Promise<void> {
    this.#unavailable = await this.#options.unavailable();
  }

  /** The place for a bundle of this name, whether or not anything serves there. */
  slot(name: string): ModelSlot {
    let slot = this.#slots.get(name);
    if (!slot) {
      const { clock, log } = this.#options;
      slot = new ModelSlot({ name, clock, log });
      this.#slots.set(name, slot);
    }
    return slot;
  }

  slots(): readonly ModelSlot[] {
    return [...this.#slots.values()];
  }

  /** The same for a model that runs outside this process: whoever asks for the place joins it. */
  remote(name: string): RemoteSlot {
    let slot = this.#remote.get(name);
    if (!slot) {
      const { clock, log } = this.#options;
      slot = new RemoteSlot({ name, clock, log });
      this.#remote.set(name, slot);
    }
    return slot;
  }

  choose(bundle: InstalledBundle) {
    return chooseArtifact(bundle, this.#here(), this.#unavailable);
  }

  async selftest(bundle: InstalledBundle, signal: AbortSignal): Promise<void> {
    const { log, selftest } = this.#options;
    const { variants, backend } = this.choose(bundle);
    const { selftest: vectors, requires } = bundle.bundle;
    // Each of them may serve: a faster variant takes over when the board cannot keep up.
    for (const { artifact, smaller } of variants) {
      const job = {
        model: nameOf(bundle),
        backend,
        path: bundle.file(artifact.path),
        machine: this.#here(),
        ...(vectors && !smaller
          ? { vectors: bundle.file(vectors.vectors), tolerance: vectors.tolerance }
          : {}),
      };
      const limits = { ...selftest, ...(requires.ramBytes ? { ramBytes: requires.ramBytes } : {}) };
      await runSelftest(job, limits, log, signal);
    }
  }

  reference(name: string): OutputReference {
    return (this.#remote.get(name) ?? this.slot(name)).reference();
  }

  async serve(bundle: InstalledBundle, reference?: OutputReference): Promise<{ readonly switchMs: number }> {
    const { clock } = this.#options;
    const began = clock.mono();
    const remote = this.#remote.get(bundle.name);
    if (remote) {
      const model = this.#remoteModel(bundle);
      await remote.serve(model, reference);
      return this.#served(bundle, model.backend, began);
    }
    const slot = this.slot(bundle.name);
    const turn = slot.newTurn();
    // It serves still, where what should have followed it never came up.
    if (slot.serving?.digest === bundle.digest) return { switchMs: 0 };
    const model = await this.#load(bundle);
    try {
      slot.check(model);
      await warmUp(model.session);
      slot.take(model, turn, reference);
    } catch (error) {
      // A model that hangs would keep whoever waits for its end.
      void model.session.close().catch(() => {});
      throw error;
    }
    return this.#served(bundle, model.backend, began);
  }

  measures(name: string): ServingMeasures | undefined {
    const remote = this.#remote.get(name);
    if (remote) return remote.measures();
    const slot = this.#slots.get(name);
    const serving = slot?.serving;
    if (!slot || !serving) return undefined;
    const { measures, reference } = serving;
    const waiting = slot.oldestCall();
    return {
      inferences: measures.inferences,
      errors: measures.errors,
      lastError: measures.lastError,
      // A call that does not come back has no latency yet, and is the worst of all.
      latencyP95: longest(measures.latencyP95, waiting),
      rss: process.memoryUsage.rss(),
      rate: measures.rate(this.#options.clock.mono()),
      outputShift: measures.shift(reference.scores),
      waiting,
    };
  }

  async idle(name: string, reason: string): Promise<void> {
    (this.#remote.get(name) ?? this.slot(name)).clear(reason);
    this.#options.log.warn({ event: 'model.idle', model: name }, `nothing serves as '${name}': ${reason}`);
  }

  /** By name of the bundle; whether it is on trial only the update client knows. */
  status(): Record<string, ModelStatus> {
    const slots = [...this.#slots, ...this.#remote];
    return Object.fromEntries(slots.map(([name, slot]) => [name, statusOf(slot)]));
  }

  async stop(): Promise<void> {
    await Promise.all(this.slots().map((slot) => slot.close()));
  }

  #served({ name, release }: InstalledBundle, backend: BackendName, began: Millis): { switchMs: number } {
    const { clock, log } = this.#options;
    const switchMs = clock.mono() - began;
    const facts = { event: 'model.serves', model: name, release, backend, switchMs };
    log.info(facts, `${name} ${release} serves on ${backend}`);
    return { switchMs };
  }

  #remoteModel(bundle: InstalledBundle): RemoteModel {
    const { backend, needs } = this.choose(bundle);
    const { name, release, digest } = bundle;
    return {
      name,
      release,
      digest,
      version: bundle.bundle.version,
      backend,
      manifest: inlined(manifestOf(bundle), bundle.file),
      files: Object.fromEntries(
        [...new Set([MANIFEST_FILE, ...needs])].map((path) => [path, bundle.file(path)]),
      ),
      machine: this.#here(),
    };
  }

  async #load(bundle: InstalledBundle): Promise<LoadedModel> {
    const { artifact, backend } = this.choose(bundle);
    const { name, release, digest } = bundle;
    const manifest = manifestOf(bundle);
    const path = bundle.file(artifact);
    const { session } = await openArtifact(
      nameOf(bundle),
      { backend, path },
      this.#here(),
      this.#options.log,
    );
    const { version } = bundle.bundle;
    const model = { release, version, digest, backend, manifest, session };
    const outputs = new Set(session.describe().outputs.map((output) => output.name));
    const missing = manifest.outputs.find((output) => !outputs.has(output.name));
    if (!missing) return model;
    await session.close();
    throw new ModelError(
      'model-outputs',
      `${nameOf(bundle)} ${name}: the manifest's output '${missing.name}' is none of the model's`,
    );
  }

  #here(): ModelMachine {
    this.#machine ??= this.#options.machine();
    return this.#machine;
  }
}

const nameOf = ({ name, release }: InstalledBundle) => `${name} ${release}`;

function longest(p95: Millis | undefined, waiting: Millis): Millis | undefined {
  return p95 === undefined && waiting === 0 ? undefined : millis(Math.max(p95 ?? 0, waiting));
}

function statusOf(slot: Pick<ModelSlot | RemoteSlot, 'serving' | 'emptyBecause'>): ModelStatus {
  const { serving, emptyBecause: detail } = slot;
  if (!serving) return { ...NO_MODEL, detail };
  const { release, version, digest, backend } = serving;
  return { ...NO_MODEL, state: 'serving', release, version, digest, backend };
}
