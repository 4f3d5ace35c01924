/** Pictures of events on the node's disk, `<camera>/<event>.jpg`: bounded in bytes, number and age, the oldest go first. */

import { readdirSync, statSync, utimesSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { StorageError } from '../core/errors.ts';
import { type FileSystem, nodeFileSystem } from '../core/file-system.ts';
import { type Bytes, type EpochMillis, epochMillis, type Millis } from '../core/units.ts';

export interface SnapshotFolderOptions {
  readonly directory: string;
  /** Of all pictures together. */
  readonly most: Bytes;
  readonly mostFiles: number;
  readonly mostAge: Millis;
  /** What is left to the rest of the node on that disk: events matter more than their pictures. */
  readonly reserve: Bytes;
  readonly clock: Pick<Clock, 'wall' | 'timeQuality'>;
  readonly fs?: FileSystem;
}

const FULL = ['ENOSPC', 'EDQUOT'];
/** Before this there was no such node: the clock was not set when the picture was taken. */
const FIRST_DAY = Date.UTC(2025, 0, 1);

interface Picture {
  readonly bytes: number;
  /** Wall time of the file; undefined where the clock was not set. */
  readonly at: number | undefined;
  /** Of an earlier start of the node. */
  readonly left?: true;
}

export class SnapshotFolder {
  readonly #options: SnapshotFolderOptions;
  readonly #fs: FileSystem;
  /** By path, oldest first. */
  readonly #files = new Map<string, Picture>();
  #bytes = 0;
  #written = 0;
  /** One picture is written at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: SnapshotFolderOptions) {
    this.#options = options;
    this.#fs = options.fs ?? nodeFileSystem;
  }

  /** Of all pictures together. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Since the start: what wears the flash. */
  get written(): number {
    return this.#written;
  }

  /** Takes over what an earlier start of the node left. */
  open(): void {
    for (const { path, bytes, at } of found(this.#options.directory)) {
      if (path.endsWith('.new')) this.#fs.remove(path);
      else this.#add(path, { bytes, at: at < FIRST_DAY ? undefined : at, left: true });
    }
  }

  /** What an earlier start of the node left of this camera and knows the time of, newest first. */
  left(camera: string): { event: string; at: EpochMillis }[] {
    const folder = join(this.#options.directory, camera);
    return [...this.#files]
      .filter(([path, { at, left }]) => left && at !== undefined && dirname(path) === folder)
      .map(([path, { at }]) => ({ event: basename(path, '.jpg'), at: epochMillis(at!) }))
      .reverse();
  }

  /** Deletes what is too old. While the clock is not set nothing is; what was taken then ages from the moment it is. */
  expire(): void {
    const { clock, mostAge } = this.#options;
    if (clock.timeQuality() !== 'synced') return;
    const now = clock.wall();
    for (const [path, picture] of [...this.#files]) {
      const { at } = picture;
      if (at === undefined) {
        this.#files.set(path, { ...picture, at: now });
        touch(path, now);
      } else if (now - at > mostAge) {
        this.#fs.remove(path);
        this.#forget(path);
      }
    }
  }

  /**
   * In place of the event's picture so far.
   * @returns its name below the folder.
   * @throws (rejects) StorageError `disk-full`, `snapshot-write`, both retryable; the picture before is untouched.
   */
  keep(camera: string, event: string, jpeg: Uint8Array): Promise<string> {
    const kept = this.#turn.then(() =>
      this.#keep(join(this.#options.directory, camera, `${event}.jpg`), jpeg),
    );
    this.#turn = kept.catch(() => {});
    return kept;
  }

  /** Once everything asked so far is on the disk, or refused. */
  async settled(): Promise<void> {
    await this.#turn;
  }

  async #keep(path: string, jpeg: Uint8Array): Promise<string> {
    const { directory } = this.#options;
    const temporary = `${path}.new`;
    try {
      this.#fs.makeDirectory(dirname(path));
      this.#makeRoom(path, jpeg.length);
      await this.#write(temporary, jpeg);
      this.#fs.rename(temporary, path);
    } catch (error) {
      this.#removeQuietly(temporary);
      throw error instanceof StorageError ? error : refusal(path, error);
    }
    this.#forget(path);
    const { clock } = this.#options;
    this.#add(path, {
      bytes: jpeg.length,
      at: clock.timeQuality() === 'synced' ? clock.wall() : undefined,
    });
    return relative(directory, path);
  }

  #makeRoom(path: string, bytes: number): void {
    const { directory, most, mostFiles, reserve } = this.#options;
    const free = this.#fs.free(directory);
    if (free - bytes < reserve) throw tooLittleFree(path, free, reserve);
    const own = this.#files.get(path);
    const [others, rest] = [own ? 1 : 0, own?.bytes ?? 0];
    for (const other of this.#files.keys()) {
      if (this.#bytes - rest + bytes <= most && this.#files.size - others < mostFiles) break;
      if (other === path) continue;
      this.#fs.remove(other);
      this.#forget(other);
    }
  }

  async #write(path: string, jpeg: Uint8Array): Promise<void> {
    const fd = this.#fs.open(path, 'w', 0o640);
    try {
      for (let done = 0; done < jpeg.length; ) done += this.#fs.write(fd, jpeg.subarray(done), done);
      this.#written += jpeg.length;
      // Off the event loop: a flash card takes its time.
      await this.#fs.syncAside(fd);
    } finally {
      this.#fs.close(fd);
    }
  }

  #add(path: string, picture: Picture): void {
    this.#files.set(path, picture);
    this.#bytes += picture.bytes;
  }

  #forget(path: string): void {
    this.#bytes -= this.#files.get(path)?.bytes ?? 0;
    this.#files.delete(path);
  }

  /** The first error is the one to tell. */
  #removeQuietly(path: string): void {
    try {
      this.#fs.remove(path);
    } catch {}
  }
}

function tooLittleFree(path: string, free: number, reserve: number): StorageError {
  const [has, needs] = [free, reserve].map((value) => `${Math.floor(value / 1024 ** 2)} MiB`);
  const detail = `no picture is kept: the disk has ${has} left, of which ${needs} are for events`;
  return new StorageError('disk-full', detail, { retryable: true, facts: { path } });
}

function refusal(path: string, cause: unknown): StorageError {
  const full = FULL.includes((cause as NodeJS.ErrnoException).code ?? '');
  const why = full ? 'the disk is full' : 'the disk refuses it';
  return new StorageError(full ? 'disk-full' : 'snapshot-write', `no picture is kept: ${why}`, {
    cause,
    retryable: true,
    facts: { path },
  });
}

/** A disk that refuses costs a picture's true age alone. */
function touch(path: string, at: number): void {
  try {
    utimesSync(path, at / 1000, at / 1000);
  } catch {}
}

/** Oldest first. What cannot be read is left alone. */
function found(directory: string): { path: string; bytes: number; at: number }[] {
  return names(directory)
    .flatMap((camera) => names(join(directory, camera)).map((name) => join(directory, camera, name)))
    .flatMap((path) => {
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat?.isFile() ? [{ path, bytes: stat.size, at: stat.mtimeMs }] : [];
    })
    .sort((a, b) => a.at - b.at);
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
