/** Reads what others wrote: root must not follow a link that somebody with fewer rights laid. */

import { lstatSync } from 'node:fs';
import { type FileSystem, nodeFileSystem } from '../../core/file-system.ts';

/** Links, devices and folders have no size here: they are no files to take over. FAT knows no links anyway. */
export const droppedFileSystem: FileSystem = {
  ...nodeFileSystem,
  size: (path) => {
    const found = lstatSync(path, { throwIfNoEntry: false });
    return found?.isFile() ? found.size : undefined;
  },
};
