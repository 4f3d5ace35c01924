/** From an ONNX file to an engine for this machine: the cached one where it fits, else a build in the background. */

import { createHash } from 'node:crypto';
import { createReadStream, globSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { openTensorrt, type TensorrtHere, type TensorrtPrecision } from '../../../addon/tensorrt.ts';
import { ModelError, StorageError } from '../../../core/errors.ts';
import { tryLock } from '../../../core/lock.ts';
import type { Log } from '../../../core/log.ts';
import type { Bytes } from '../../../core/units.ts';
import { type BuildLimits, buildInChild } from './engine-builder.ts';
import { EngineCache } from './engine-cache.ts';
import { type EngineKey, keyText } from './engine-file.ts';

export interface EngineOptions {
  readonly precision: TensorrtPrecision;
  /** From the device profile. */
  readonly maxBatch: number;
  /** The batch to be fastest for; `maxBatch` where left out. */
  readonly optimalBatch?: number;
  readonly workspaceBytes?: Bytes;
  /** Samples for int8 of a model without QuantizeLinear; see native/backends/tensorrt/calibration.h. */
  readonly calibrationFolder?: string;
}

export interface EnginesOptions {
  /** Where engines are kept. */
  readonly folder: string;
  readonly budget: Bytes;
  readonly limits: BuildLimits;
  readonly log: Log;
  /** Where to look for TensorRT's libraries before the usual places. */
  readonly libraryFolders?: readonly string[];
}

const LOCK_POLL_MS = 200;
/** What the addon says of a file that is damaged, of another layout, or built elsewhere. */
const UNUSABLE = new Set(['bad-model', 'model-newer']);

export class TensorrtEngines {
  readonly #cache: EngineCache;
  readonly #options: EnginesOptions;

  constructor(options: EnginesOptions) {
    this.#options = options;
    this.#cache = new EngineCache(options.folder, options.budget);
  }

  /**
   * Loads the engine of a model, and builds it first where there is none, or where the cached one is damaged or foreign.
   * The event loop stays free and other sessions serve meanwhile.
   * @param load opens a session on the path of an engine.
   * @throws ModelError `backend-unavailable` with the reason, or as `buildInChild`; StorageError when the folder refuses.
   */
  async open<T>(
    model: string,
    how: EngineOptions,
    load: (path: string) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const key = await this.#key(model, how);
    const found = this.#cache.find(key);
    if (found !== undefined) {
      try {
        return await load(found);
      } catch (error) {
        if (!(error instanceof ModelError) || !UNUSABLE.has(error.code)) throw error;
        const { log } = this.#options;
        log.warn(
          { event: 'tensorrt.engine.unusable', model, err: error },
          'the cached engine is built again',
        );
        this.#cache.discard(found);
      }
    }
    return await load(await this.#build(model, how, key, signal));
  }

  async #key(model: string, how: EngineOptions): Promise<EngineKey> {
    const here = this.#here();
    return {
      model: await digestOf([model]),
      tensorrt: here.version,
      gpu: here.gpu,
      capability: here.capability,
      precision: how.precision,
      maxBatch: how.maxBatch,
      optimalBatch: how.optimalBatch ?? how.maxBatch,
      workspaceBytes: how.workspaceBytes ?? 0,
      calibration: how.calibrationFolder === undefined ? '' : await digestOfSamples(how.calibrationFolder),
    };
  }

  #here(): TensorrtHere {
    const here = openTensorrt(this.#options.libraryFolders);
    if (!here.available) throw new ModelError('backend-unavailable', here.reason);
    return here;
  }

  async #build(model: string, how: EngineOptions, key: EngineKey, signal?: AbortSignal): Promise<string> {
    const { log } = this.#options;
    const output = this.#cache.pathOf(key);
    this.#prepare();
    const unlock = await this.#lock(output, signal);
    try {
      // Somebody else may have built it while we waited.
      const found = this.#cache.find(key);
      if (found !== undefined) return found;
      const began = performance.now();
      log.info({ event: 'tensorrt.build.begin', model, output }, 'the engine is built in the background');
      await this.#run(model, how, key, signal);
      if (this.#cache.find(key) === undefined) {
        throw new StorageError('state-write', `${output} was built and is not there`, { retryable: true });
      }
      const seconds = Math.round((performance.now() - began) / 1000);
      log.info({ event: 'tensorrt.build.end', model, seconds }, `the engine was built in ${seconds} s`);
      for (const path of await this.#cache.evict(output)) {
        log.info({ event: 'tensorrt.cache.evicted', path }, 'an old engine made room');
      }
      return output;
    } finally {
      await unlock();
    }
  }

  async #run(model: string, how: EngineOptions, key: EngineKey, signal?: AbortSignal): Promise<void> {
    const { limits, log, libraryFolders = [] } = this.#options;
    const build = {
      model,
      precision: key.precision,
      maxBatch: key.maxBatch,
      optimalBatch: key.optimalBatch,
      workspaceBytes: key.workspaceBytes,
      calibrationFolder: how.calibrationFolder ?? '',
    };
    const output = this.#cache.pathOf(key);
    const timingCache = this.#cache.timingCachePath(key);
    await buildInChild(
      { build, key: keyText(key), output, timingCache, libraryFolders },
      limits,
      log,
      signal,
    );
  }

  #prepare(): void {
    const path = this.#options.folder;
    try {
      this.#cache.prepare();
    } catch (cause) {
      throw new StorageError('state-write', `cannot make the folder ${path}`, { cause, facts: { path } });
    }
  }

  /** As long as one build may take: whoever has the lock is building. */
  async #lock(path: string, signal?: AbortSignal): Promise<() => Promise<void>> {
    for (let waited = 0; waited <= this.#options.limits.time; waited += LOCK_POLL_MS) {
      if (signal?.aborted) break;
      const unlock = await tryLock(path);
      if (unlock) return unlock;
      await sleep(LOCK_POLL_MS);
    }
    throw new ModelError('build-busy', `another process has been building ${path} for too long`, {
      retryable: true,
    });
  }
}

async function digestOf(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths) {
    try {
      await pipeline(createReadStream(path), async (chunks) => {
        for await (const chunk of chunks) hash.update(chunk as Buffer);
      });
    } catch (cause) {
      throw new ModelError('bad-model', `cannot read ${path}`, { cause });
    }
  }
  return hash.digest('hex');
}

async function digestOfSamples(folder: string): Promise<string> {
  const names = globSync('*/*.bin', { cwd: folder }).sort();
  const contents = await digestOf(names.map((name) => join(folder, name)));
  return createHash('sha256').update(names.join('\n')).update(contents).digest('hex');
}
