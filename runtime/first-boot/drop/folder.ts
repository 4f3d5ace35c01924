/** A folder of the boot partition with files for us: `secrets/`, one file for each secret, and `files/`. */

import { InputError } from '../../core/errors.ts';
import type { FileSystem } from '../../core/file-system.ts';
import { readBounded } from '../read-bounded.ts';
import { isLitter } from './names.ts';
import { decodeText } from './text.ts';

export interface DroppedFile {
  /** What it is called from now on. */
  readonly name: string;
  /** Where it lies, below the boot partition. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface FolderContents {
  readonly files: readonly DroppedFile[];
  /** What operating systems left there; goes with the rest. */
  readonly litter: readonly string[];
  readonly problems: readonly string[];
}

const MOST_FILES = 64;
const MOST_BYTES = 1 << 20;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/**
 * @param folder its own name on the partition.
 * @param named what the configuration names: an ending .txt that an editor added is taken off unless it is in there.
 */
export function readFolder(
  fs: FileSystem,
  boot: string,
  folder: string,
  named: ReadonlySet<string>,
): FolderContents {
  const entries = listFolder(fs, `${boot}/${folder}`);
  if (!entries) return nothingBut(`${folder}: cannot be read as a folder: expected one with a file for each`);
  const litter = entries.filter(isLitter).map((name) => `${folder}/${name}`);
  const wanted = entries.filter((name) => !isLitter(name));
  if (wanted.length > MOST_FILES)
    return nothingBut(`${folder}: has ${wanted.length} files; at most ${MOST_FILES} are taken over`);
  const files: DroppedFile[] = [];
  const problems: string[] = [];
  for (const entry of wanted) {
    const path = `${folder}/${entry}`;
    const name = named.has(entry) ? entry : entry.replace(/\.txt$/i, '');
    try {
      if (!NAME.test(name))
        throw new InputError('file-name', "expected a name of letters, digits, '_', '-', '.'");
      if (files.some((other) => other.name === name))
        throw new InputError('file-twice', `there is '${name}' already: keep the one that is right`);
      files.push({ name, path, bytes: readPlain(fs, `${boot}/${path}`) });
    } catch (error) {
      problems.push(`${path}: ${(error as Error).message}`);
    }
  }
  return { files, litter, problems };
}

const nothingBut = (problem: string): FolderContents => ({ files: [], litter: [], problems: [problem] });

/** @returns undefined for a file of that name, or a folder on a damaged card. */
function listFolder(fs: FileSystem, path: string): string[] | undefined {
  try {
    return fs.list(path).sort();
  } catch {
    return undefined;
  }
}

/** Text without what editors add to it; what is no text stays as it is. */
function readPlain(fs: FileSystem, path: string): Uint8Array {
  const bytes = readBounded(fs, path, MOST_BYTES);
  if (!bytes) throw new InputError('no-file', 'is no file');
  const plain = asText(bytes) ?? bytes;
  if (plain.length === 0) throw new InputError('file-empty', 'is empty');
  return plain;
}

function asText(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return Buffer.from(decodeText(bytes));
  } catch {
    return undefined;
  }
}
