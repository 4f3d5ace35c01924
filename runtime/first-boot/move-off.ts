/** Takes files off the boot partition once they are safe elsewhere; secrets are overwritten as far as FAT lets one. */

import { syncDirectory } from '../core/atomic-file.ts';
import { type FileSystem, nodeFileSystem } from '../core/file-system.ts';

/**
 * A name that is never taken over: a file that a power cut left half overwritten must not be read as a password.
 * Short, so that FAT needs no second entry for it.
 */
const DOOMED = /^vgone\d+\.tmp$/i;

/**
 * @param directory of the boot partition. @param paths of files below it.
 * @throws what the file system throws: a partition that cannot be written.
 */
export function moveOff(directory: string, paths: readonly string[], fs: FileSystem = nodeFileSystem): void {
  for (const [index, path] of paths.entries())
    fs.rename(`${directory}/${path}`, `${directory}/vgone${index}.tmp`);
  if (paths.length > 0) {
    for (const from of new Set(paths.map(directoryOf))) syncDirectory(`${directory}${from}`, fs);
    syncDirectory(directory, fs);
  }
  finishMoveOff(directory, fs);
}

/** Goes on with what a power cut interrupted. @throws what the file system throws. */
export function finishMoveOff(directory: string, fs: FileSystem = nodeFileSystem): void {
  const doomed = fs.list(directory).filter((name) => DOOMED.test(name));
  for (const name of doomed) {
    overwrite(`${directory}/${name}`, fs);
    fs.remove(`${directory}/${name}`);
  }
  if (doomed.length > 0) syncDirectory(directory, fs);
}

/** In place: FAT writes the same clusters again. What the card itself keeps behind that nobody can reach. */
function overwrite(path: string, fs: FileSystem): void {
  const size = fs.size(path) ?? 0;
  const fd = fs.open(path, 'r+');
  try {
    const zeros = new Uint8Array(size);
    for (let done = 0; done < size; ) done += fs.write(fd, zeros.subarray(done), done);
    fs.sync(fd);
  } finally {
    fs.close(fd);
  }
}

function directoryOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at < 0 ? '' : `/${path.slice(0, at)}`;
}
