/** The folder of built engines: looked up by key, published whole or not at all, bounded by bytes. */

import { mkdirSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { tryLock } from '../../../core/lock.ts';
import type { Bytes } from '../../../core/units.ts';
import { type EngineKey, engineFileName, isEngineOf, keyText } from './engine-file.ts';

interface Entry {
  readonly path: string;
  readonly bytes: number;
  readonly usedMs: number;
}

export class EngineCache {
  readonly folder: string;
  readonly #budget: Bytes;

  /** @param budget bytes of engines to keep; the one in use stays even when it is larger. */
  constructor(folder: string, budget: Bytes) {
    this.folder = folder;
    this.#budget = budget;
  }

  pathOf(key: EngineKey): string {
    return join(this.folder, engineFileName(key));
  }

  /** The file for this key, which now counts as the most recently used; undefined where there is none. */
  find(key: EngineKey): string | undefined {
    const path = this.pathOf(key);
    if (!isEngineOf(path, keyText(key))) return undefined;
    this.#touch(path);
    return path;
  }

  /** For a file that the addon would not load. */
  discard(path: string): void {
    rmSync(path, { force: true });
  }

  /** Timings of layers hold for every model on one GPU and TensorRT. */
  timingCachePath(key: EngineKey): string {
    const { gpu, capability, tensorrt } = key;
    return join(
      this.folder,
      `timings-${`${tensorrt}-${capability}-${gpu}`.replaceAll(/[^A-Za-z0-9.-]/g, '_')}.bin`,
    );
  }

  prepare(): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o750 });
  }

  /**
   * Removes the engines used longest ago until the rest fits, and what writers left that were killed.
   * @param keep a path that stays.
   * @returns the paths removed
   */
  async evict(keep: string): Promise<readonly string[]> {
    const removed = await this.#removeLeftovers();
    const entries = this.#entries().sort((a, b) => a.usedMs - b.usedMs);
    let total = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    for (const { path, bytes } of entries) {
      if (total <= this.#budget) break;
      if (path === keep) continue;
      rmSync(path, { force: true });
      total -= bytes;
      removed.push(path);
    }
    return removed;
  }

  async #removeLeftovers(): Promise<string[]> {
    const removed: string[] = [];
    for (const name of readdirSync(this.folder).filter((each) => each.endsWith('.engine.new'))) {
      const path = join(this.folder, name);
      // Whoever writes it holds the lock of the engine it becomes.
      const unlock = await tryLock(path.slice(0, -'.new'.length));
      if (!unlock) continue;
      rmSync(path, { force: true });
      await unlock();
      removed.push(path);
    }
    return removed;
  }

  #entries(): Entry[] {
    return readdirSync(this.folder)
      .filter((name) => name.endsWith('.engine'))
      .map((name) => {
        const path = join(this.folder, name);
        const facts = statSync(path, { throwIfNoEntry: false });
        return { path, bytes: facts?.size ?? 0, usedMs: facts?.mtimeMs ?? 0 };
      });
  }

  /** One more than the newest of all: a node's clock may stand still in 1970, and the order is all that counts. */
  #touch(path: string): void {
    const newest = Math.max(...this.#entries().map((entry) => entry.usedMs));
    const seconds = Math.floor(newest / 1000) + 1;
    try {
      utimesSync(path, seconds, seconds);
    } catch {
      // A read-only cache serves; it only cannot tell which engine was used last.
    }
  }
}
