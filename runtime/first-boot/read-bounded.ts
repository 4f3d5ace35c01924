/** A whole file through the seam of crash tests, within a bound that is checked before anything is read. */

import { InputError } from '../core/errors.ts';
import type { FileSystem } from '../core/file-system.ts';

/**
 * @returns undefined when there is no such file.
 * @throws InputError `file-too-large`; what the file system throws (a corrupt card).
 */
export function readBounded(fs: FileSystem, path: string, most: number): Uint8Array | undefined {
  const size = fs.size(path);
  if (size === undefined) return undefined;
  if (size > most)
    throw new InputError('file-too-large', `has ${size} bytes; at most ${most} are read`, {
      facts: { path },
    });
  const bytes = new Uint8Array(size);
  const fd = fs.open(path, 'r');
  try {
    let done = 0;
    for (let got = 1; done < size && got > 0; done += got) got = fs.read(fd, bytes.subarray(done), done);
    return bytes.subarray(0, done);
  } finally {
    fs.close(fd);
  }
}
