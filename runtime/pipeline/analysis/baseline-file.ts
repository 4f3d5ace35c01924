/**
 * Baselines on disk, two files per group in `<directory>/baselines/`: `<group>.json` is what was learned,
 * `<group>~rows.json` the rows it is learned from (`~` is in no group name). The rows stay, so that a node with other detectors (a
 * changed configuration, a new version) fits them at once instead of watching for hours again.
 */

import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJsonFile, writeFileAtomic } from '../../core/atomic-file.ts';
import { StorageError } from '../../core/errors.ts';
import type { Tag } from '../../core/messages.ts';
import type { SavedRows } from '../window/row-store.ts';
import type { NormalRange } from './normal-range.ts';

const VERSION = 1;

export interface SavedBaseline {
  readonly version: typeof VERSION;
  readonly key: string;
  /** Rows seen, kept or not, while learning. */
  readonly rows: number;
  /** Names of the tags that had values: the detectors' columns, in order. */
  readonly columns: readonly string[];
  /** One per column; null where nobody knows. */
  readonly normal: readonly (NormalRange | null)[];
  /** Each detector's `save()`, by name. */
  readonly detectors: Readonly<Record<string, unknown>>;
  /** Why the other detectors learned nothing, by name. */
  readonly failures: Readonly<Record<string, string>>;
}

export interface SavedLearning {
  readonly version: typeof VERSION;
  readonly key: string;
  /** How long the group was watched, milliseconds. */
  readonly watched: number;
  readonly rows: SavedRows;
}

/** `foreign`: there is a file, but of another set of tags or another version. */
export type Found<T> =
  | { readonly state: 'none' | 'foreign' }
  | { readonly state: 'corrupt'; readonly movedTo: string }
  | { readonly state: 'found'; readonly content: T };

export type BaselinePart = 'baseline' | 'rows';

/** What a baseline depends on: a tag renamed, moved, or given another unit teaches another one. */
export function baselineKey(tags: readonly Tag[]): string {
  return JSON.stringify(tags.map((tag) => [tag.name, tag.unit, tag.kind]));
}

export class BaselineFiles {
  readonly directory: string;

  /** @param directory the node's data directory; `baselines/` is made in it when needed. */
  constructor(directory: string) {
    this.directory = join(directory, 'baselines');
  }

  /** A file that cannot be understood is moved aside. @throws StorageError when the disk does not do its part. */
  readBaseline(group: string, key: string): Found<SavedBaseline> {
    return this.#read(group, 'baseline', key, isBaseline);
  }

  readLearning(group: string, key: string): Found<SavedLearning> {
    return this.#read(group, 'rows', key, isLearning);
  }

  /** @throws StorageError `state-write` (retryable). */
  writeBaseline(group: string, content: Omit<SavedBaseline, 'version'>): void {
    this.#write(group, 'baseline', { version: VERSION, ...content });
  }

  writeLearning(group: string, content: Omit<SavedLearning, 'version'>): void {
    this.#write(group, 'rows', { version: VERSION, ...content });
  }

  remove(group: string, part: BaselinePart): void {
    rmSync(this.#path(group, part), { force: true });
  }

  /** Keeps the unreadable file for whoever asks why. @returns its new path. */
  moveAside(group: string, part: BaselinePart): string {
    const path = this.#path(group, part);
    const aside = `${path}.corrupt`;
    renameSync(path, aside);
    return aside;
  }

  #read<T extends { key: string }>(
    group: string,
    part: BaselinePart,
    key: string,
    check: (content: unknown) => content is T,
  ): Found<T> {
    let content: unknown;
    try {
      content = readJsonFile(this.#path(group, part));
    } catch (error) {
      if (!(error instanceof StorageError && error.cause instanceof SyntaxError)) throw error;
      return { state: 'corrupt', movedTo: this.moveAside(group, part) };
    }
    if (content === undefined) return { state: 'none' };
    if (isRecord(content) && typeof content.version === 'number' && content.version !== VERSION) {
      return { state: 'foreign' };
    }
    if (!check(content)) return { state: 'corrupt', movedTo: this.moveAside(group, part) };
    return content.key === key ? { state: 'found', content } : { state: 'foreign' };
  }

  #write(group: string, part: BaselinePart, content: unknown): void {
    try {
      mkdirSync(this.directory, { recursive: true, mode: 0o750 });
    } catch (cause) {
      throw new StorageError('state-write', `cannot make ${this.directory}`, { cause, retryable: true });
    }
    writeFileAtomic(this.#path(group, part), JSON.stringify(content));
  }

  #path(group: string, part: BaselinePart): string {
    return join(this.directory, `${group}${part === 'rows' ? '~rows' : ''}.json`);
  }
}

const isRecord = (content: unknown): content is Record<string, unknown> =>
  typeof content === 'object' && content !== null && !Array.isArray(content);

const isRange = (content: unknown): content is NormalRange | null =>
  content === null || (isRecord(content) && Number.isFinite(content.low) && Number.isFinite(content.high));

function isBaseline(content: unknown): content is SavedBaseline {
  if (!isRecord(content) || typeof content.key !== 'string' || typeof content.rows !== 'number') return false;
  const { columns, normal, detectors, failures } = content;
  if (!Array.isArray(columns) || !columns.every((name) => typeof name === 'string')) return false;
  if (!Array.isArray(normal) || normal.length !== columns.length || !normal.every(isRange)) return false;
  return isRecord(detectors) && isRecord(failures);
}

/** The rows themselves are checked by `RowStore.load`. */
const isLearning = (content: unknown): content is SavedLearning =>
  isRecord(content) &&
  typeof content.key === 'string' &&
  Number.isFinite(content.watched) &&
  (content.watched as number) >= 0 &&
  isRecord(content.rows);
