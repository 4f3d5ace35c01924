/**
 * A disk in memory that loses power: what was not flushed is lost, whole or in sectors of 512 bytes, and directory
 * operations that were not flushed are lost from any point on. It counts its changes, and can cut or refuse at one.
 */

import type { FileSystem, OpenMode } from '../../runtime/core/file-system.ts';

const SECTOR = 512;

interface Write {
  readonly position: number;
  readonly bytes: Uint8Array;
}
interface Inode {
  /** What a power cut leaves for certain. */
  durable: Uint8Array;
  /** What a reader sees before one. */
  seen: Uint8Array;
  /** In order; one without bytes empties the file. */
  pending: (Write | 'emptied')[];
}
type Names = Map<string, Inode | 'directory'>;
interface NameChange {
  readonly directories: readonly string[];
  /** A directory that is new: what is lost with it are its names as well. */
  readonly made?: readonly string[];
  readonly apply: (names: Names) => void;
}

/** The power went: nothing after this reaches the disk. */
export class PowerCut extends RangeError {}

/** What happens at one change of the disk; undefined lets it happen. */
export type Fault = (change: number, what: string, path: string) => 'cut' | string | undefined;

export interface CrashFsOptions {
  /** Bytes that fit; unbounded when none are given. */
  readonly room?: number;
  /** For proving that a missing flush is found: flushes of this kind do nothing. */
  readonly ignores?: 'directory' | 'file';
}

export class CrashFs implements FileSystem {
  changes = 0;
  bytesWritten = 0;
  fault: Fault = () => undefined;
  isCut = false;
  readonly #options: CrashFsOptions;
  readonly #names: Names;
  #durableNames: Names;
  #nameLog: NameChange[] = [];
  readonly #open = new Map<number, { readonly path: string; readonly inode: Inode | 'directory' }>();
  #nextFd = 100;

  constructor(options: CrashFsOptions = {}, names: Names = new Map([['/', 'directory']])) {
    this.#options = options;
    this.#names = names;
    this.#durableNames = new Map(names);
  }

  /**
   * The disk after the power came back.
   * @param keeps whether one unflushed thing reached the disk: asked once per sector and per directory change.
   * @param options of the disk from now on.
   */
  afterCut(keeps: () => boolean, options: CrashFsOptions = {}): CrashFs {
    const names = new Map(this.#durableNames);
    const stopped = new Set<string>();
    for (const change of this.#nameLog) {
      const lost = change.directories.some((directory) => stopped.has(directory)) || !keeps();
      if (!lost) change.apply(names);
      else for (const directory of [...change.directories, ...(change.made ?? [])]) stopped.add(directory);
    }
    const copies = new Map<Inode, Inode>();
    for (const [path, inode] of names) {
      if (inode === 'directory') continue;
      const copy = copies.get(inode) ?? remains(inode, keeps);
      copies.set(inode, copy);
      names.set(path, copy);
    }
    return new CrashFs(options, names);
  }

  open(path: string, how: OpenMode): number {
    this.#alive();
    const found = this.#names.get(path);
    if (found === 'directory') {
      if (how !== 'r') throw errno('EISDIR', path);
      return this.#register(path, found);
    }
    if (how !== 'w') {
      if (!found) throw errno('ENOENT', path);
      return this.#register(path, found);
    }
    this.#needsParent(path);
    this.#change('open', path);
    if (found) {
      found.pending.push('emptied');
      found.seen = new Uint8Array(0);
      return this.#register(path, found);
    }
    const inode: Inode = { durable: new Uint8Array(0), seen: new Uint8Array(0), pending: [] };
    this.#rename([parent(path)], (names) => names.set(path, inode));
    return this.#register(path, inode);
  }

  close(fd: number): void {
    this.#open.delete(fd);
  }

  read(fd: number, into: Uint8Array, position: number): number {
    this.#alive();
    const piece = this.#file(fd).seen.subarray(position, position + into.length);
    into.set(piece);
    return piece.length;
  }

  write(fd: number, bytes: Uint8Array, position: number): number {
    const { path } = this.#open.get(fd)!;
    const inode = this.#file(fd);
    this.#change('write', path);
    if (bytes.length > this.free()) throw errno('ENOSPC', path);
    inode.pending.push({ position, bytes: bytes.slice() });
    inode.seen = patched(inode.seen, position, bytes);
    this.bytesWritten += bytes.length;
    return bytes.length;
  }

  sync(fd: number): void {
    const { path, inode } = this.#open.get(fd)!;
    this.#change('sync', path);
    if (inode === 'directory') this.#syncNames(path);
    else if (this.#options.ignores !== 'file') {
      inode.durable = inode.seen;
      inode.pending = [];
    }
  }

  async syncAside(fd: number): Promise<void> {
    this.sync(fd);
  }

  rename(from: string, to: string): void {
    this.#alive();
    const inode = this.#names.get(from);
    if (!inode) throw errno('ENOENT', from);
    if (this.#names.get(to) === 'directory') throw errno('EISDIR', to);
    this.#needsParent(to);
    this.#change('rename', to);
    this.#rename([...new Set([parent(from), parent(to)])], (names) => {
      names.delete(from);
      names.set(to, inode);
    });
  }

  remove(path: string): void {
    this.#alive();
    if (!this.#names.has(path)) return;
    this.#change('remove', path);
    this.#rename([parent(path)], (names) => names.delete(path));
  }

  makeDirectory(path: string): void {
    this.#alive();
    if (path === '/' || this.#names.has(path)) return;
    this.makeDirectory(parent(path));
    this.#change('mkdir', path);
    const apply = (names: Names) => void names.set(path, 'directory');
    apply(this.#names);
    this.#nameLog.push({ directories: [parent(path)], made: [path], apply });
  }

  list(path: string): string[] {
    this.#alive();
    return [...this.#names.keys()].filter((name) => name !== '/' && parent(name) === path).map(baseName);
  }

  size(path: string): number | undefined {
    this.#alive();
    const found = this.#names.get(path);
    return found === undefined || found === 'directory' ? undefined : found.seen.length;
  }

  free(): number {
    const files = new Set([...this.#names.values()].filter((inode) => inode !== 'directory'));
    const used = [...files].reduce((sum, inode) => sum + inode.seen.length, 0);
    return Math.max(0, (this.#options.room ?? Number.MAX_SAFE_INTEGER) - used);
  }

  /** Test's own hand on the disk: a bit that flipped, a file that somebody wrote. Durable at once. */
  poke(path: string, bytes: Uint8Array): void {
    const inode: Inode = { durable: bytes.slice(), seen: bytes.slice(), pending: [] };
    this.#names.set(path, inode);
    this.#durableNames.set(path, inode);
  }

  peek(path: string): Uint8Array | undefined {
    const found = this.#names.get(path);
    return found === undefined || found === 'directory' ? undefined : found.seen.slice();
  }

  files(): string[] {
    return [...this.#names].filter(([, inode]) => inode !== 'directory').map(([path]) => path);
  }

  get openFiles(): number {
    return this.#open.size;
  }

  #change(what: string, path: string): void {
    this.#alive();
    const fault = this.fault(this.changes++, what, path);
    if (fault === 'cut') {
      this.isCut = true;
      throw new PowerCut(`the power went at ${what} ${path}`);
    }
    if (fault !== undefined) throw errno(fault, path);
  }

  #alive(): void {
    if (this.isCut) throw new PowerCut('the power is gone');
  }

  #rename(directories: readonly string[], apply: (names: Names) => void): void {
    apply(this.#names);
    this.#nameLog.push({ directories, apply });
  }

  #syncNames(path: string): void {
    if (this.#options.ignores === 'directory') return;
    // A journal keeps the order: what a flushed change builds on is flushed with it.
    const flushed = new Set([path]);
    const rest: NameChange[] = [];
    const done: NameChange[] = [];
    for (const change of this.#nameLog.toReversed()) {
      const touched = [...change.directories, ...(change.made ?? [])];
      if (!touched.some((directory) => flushed.has(directory))) rest.unshift(change);
      else {
        for (const directory of change.directories) flushed.add(directory);
        done.unshift(change);
      }
    }
    for (const change of done) change.apply(this.#durableNames);
    this.#nameLog = rest;
  }

  #needsParent(path: string): void {
    if (this.#names.get(parent(path)) !== 'directory') throw errno('ENOENT', path);
  }

  #register(path: string, inode: Inode | 'directory'): number {
    const fd = this.#nextFd++;
    this.#open.set(fd, { path, inode });
    return fd;
  }

  #file(fd: number): Inode {
    const entry = this.#open.get(fd);
    if (!entry || entry.inode === 'directory') throw errno('EBADF', String(fd));
    return entry.inode;
  }
}

/** Sectors of pending writes that reached the disk, in any combination. */
function remains(inode: Inode, keeps: () => boolean): Inode {
  let bytes = inode.durable;
  let isOwn = false;
  for (const write of inode.pending) {
    if (write === 'emptied') {
      if (keeps()) [bytes, isOwn] = [new Uint8Array(0), true];
      continue;
    }
    for (let at = 0; at < write.bytes.length; at += SECTOR) {
      if (!keeps()) continue;
      const sector = write.bytes.subarray(at, at + SECTOR);
      const end = write.position + at + sector.length;
      if (!isOwn || end > bytes.length) {
        const longer = new Uint8Array(Math.max(bytes.length, end));
        longer.set(bytes);
        bytes = longer;
        isOwn = true;
      }
      bytes.set(sector, write.position + at);
    }
  }
  // What was seen is never written to in place, so that disks can share it.
  return { durable: bytes, seen: bytes, pending: [] };
}

function patched(bytes: Uint8Array, position: number, piece: Uint8Array): Uint8Array {
  const result = new Uint8Array(Math.max(bytes.length, position + piece.length));
  result.set(bytes);
  result.set(piece, position);
  return result;
}

function errno(code: string, path: string): Error {
  return Object.assign(new RangeError(`${code}: ${path}`), { code });
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
