/** A folder of pictures as GStreamer reads one: numbered links to them, in the order of their names. */

import { mkdirSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { extname, join } from 'node:path';
import { DeviceError } from '../../core/errors.ts';

const ENDINGS: Readonly<Record<string, string>> = { '.jpg': 'jpg', '.jpeg': 'jpg', '.png': 'png' };

/**
 * @param links folder that is made anew for them.
 * @returns what `multifilesrc` takes as its location; undefined when `path` is no folder and no single picture.
 * @throws DeviceError `camera-folder` when the folder holds no pictures, or both kinds; StorageError-like causes as they come.
 */
export function linkPictures(path: string, links: string): string | undefined {
  const single = ENDINGS[extname(path).toLowerCase()];
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory() && single === undefined) return undefined;
  const files =
    single === undefined
      ? readdirSync(path)
          .sort()
          .map((name) => join(path, name))
      : [path];
  const pictures = files.filter((file) => ENDINGS[extname(file).toLowerCase()] !== undefined);
  const kinds = new Set(pictures.map((file) => ENDINGS[extname(file).toLowerCase()]!));
  if (kinds.size !== 1) {
    const found =
      kinds.size === 0 ? 'holds no JPEG or PNG pictures' : 'holds both JPEG and PNG pictures: keep one kind';
    throw new DeviceError('camera-folder', `${path} ${found}`);
  }
  const [kind] = kinds;
  rmSync(links, { recursive: true, force: true });
  mkdirSync(links, { recursive: true });
  for (const [index, file] of pictures.entries()) {
    symlinkSync(file, join(links, `${String(index).padStart(6, '0')}.${kind}`));
  }
  return join(links, `%06d.${kind}`);
}
