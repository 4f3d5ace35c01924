/**
 * The configuration that came with a signed assignment: in a folder of its own beside the node's file, which it never
 * touches. Until it was kept, each start on it is counted before it begins; after the third the node goes back.
 */

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readJsonFile, writeFileAtomic } from '../../core/atomic-file.ts';
import { describeError, InputError } from '../../core/errors.ts';
import { siblingModule } from '../../core/paths.ts';
import type { Merged } from './merge.ts';

interface State {
  /** Starts that are left; null once it was kept. */
  readonly startsLeft: number | null;
  /** Components that were well before. */
  readonly well: readonly string[];
  /** Whether `before.yaml` is what ran before; else the node's own file was. */
  readonly hasBefore: boolean;
  /** Why the last one that was pushed does not run any more. */
  readonly wentBack?: string;
}

export interface ConfigSource {
  readonly file: string;
  /** Where relative paths in it start. */
  readonly directory: string;
}

const STARTS = 3;
export const MOST_CONFIG_BYTES = 1024 ** 2;
const MERGE_LIMIT_MS = 20_000;
const MOST_OUTPUT = 32 * 1024 ** 2;

export class PushedConfiguration {
  readonly #own: string;
  readonly #folder: string;

  /** @param own the node's file. */
  constructor(own: string, dataDir: string) {
    this.#own = resolve(own);
    this.#folder = join(dataDir, 'pushed');
  }

  /** What a start of the node runs on; counts it where that is on trial. */
  begin(): ConfigSource {
    const directory = dirname(this.#own);
    const state = this.#state();
    if (!state || !existsSync(this.#file)) return { file: this.#own, directory };
    if (state.startsLeft === null) return { file: this.#file, directory };
    if (state.startsLeft === 0) {
      this.goBack(`the node did not stay up in ${STARTS} starts on the pushed configuration`);
      return this.begin();
    }
    this.#write({ ...state, startsLeft: state.startsLeft - 1 });
    return { file: this.#file, directory };
  }

  /** Whether this file is the one that was pushed. */
  isSource(file: string): boolean {
    return file === this.#file;
  }

  /** Whether it runs on a pushed one that was not kept yet. */
  get onTrial(): boolean {
    return typeof this.#state()?.startsLeft === 'number';
  }

  /** Why the last one that was pushed does not run any more; undefined where one runs, or none came. */
  get wentBack(): string | undefined {
    return this.#state()?.wentBack;
  }

  /** Components that were well before it. */
  get well(): readonly string[] {
    return this.#state()?.well ?? [];
  }

  /**
   * Checks it and puts it in place for the next start.
   * @returns false when it is what runs already.
   * @throws InputError `config-invalid` naming every problem; StorageError `state-write`: then nothing has changed.
   */
  async put(bytes: Uint8Array, well: readonly string[]): Promise<boolean> {
    const text = await this.#merged(bytes);
    const before = existsSync(this.#file) ? readFileSync(this.#file, 'utf8') : undefined;
    if (before === text) return false;
    const state = this.#state();
    // What is on trial itself is nothing to go back to.
    const hasBefore = state?.startsLeft === null ? before !== undefined : (state?.hasBefore ?? false);
    if (state?.startsLeft === null && before !== undefined) writeFileAtomic(this.#before, before);
    this.#write({ startsLeft: STARTS, well, hasBefore });
    writeFileAtomic(this.#file, text);
    return true;
  }

  /** What runs stays. @throws StorageError `state-write` */
  keep(): void {
    const state = this.#state();
    if (state && state.startsLeft !== null) this.#write({ ...state, startsLeft: null });
  }

  /** From the next start on. @throws StorageError `state-write` */
  goBack(reason: string): void {
    const state = this.#state();
    const hasBefore = state?.hasBefore === true && existsSync(this.#before);
    if (hasBefore) writeFileAtomic(this.#file, readFileSync(this.#before));
    // Without a file the node's own counts, whatever the state says.
    else rmSync(this.#file, { force: true });
    this.#write({ startsLeft: null, well: [], hasBefore: false, wentBack: reason });
  }

  async #merged(bytes: Uint8Array): Promise<string> {
    if (bytes.length > MOST_CONFIG_BYTES)
      throw invalid([`it has ${bytes.length} bytes; at most ${MOST_CONFIG_BYTES} are taken`]);
    mkdirSync(this.#folder, { recursive: true, mode: 0o750 });
    const candidate = join(this.#folder, 'candidate.yaml');
    writeFileAtomic(candidate, bytes);
    const merger = fileURLToPath(siblingModule(import.meta.url, 'merge-process'));
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [merger, candidate, this.#own], {
        maxBuffer: MOST_OUTPUT,
        timeout: MERGE_LIMIT_MS,
      });
      const merged = JSON.parse(stdout) as Merged;
      if ('problems' in merged) throw invalid(merged.problems);
      return merged.text;
    } catch (error) {
      if (error instanceof InputError) throw error;
      throw invalid([describeError(error)]);
    } finally {
      rmSync(candidate, { force: true });
    }
  }

  get #file(): string {
    return join(this.#folder, 'vigie.yaml');
  }

  get #before(): string {
    return join(this.#folder, 'before.yaml');
  }

  get #statePath(): string {
    return join(this.#folder, 'state.json');
  }

  #state(): State | undefined {
    try {
      return readJsonFile(this.#statePath) as State | undefined;
    } catch {
      // Damaged: nobody knows what was kept; the node's own file is always good.
      return undefined;
    }
  }

  #write(state: State): void {
    writeFileAtomic(this.#statePath, JSON.stringify(state));
  }
}

function invalid(problems: readonly string[]): InputError {
  return new InputError('config-invalid', `the pushed configuration cannot run:\n${problems.join('\n')}`, {
    facts: { problems },
  });
}
