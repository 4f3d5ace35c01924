/** The manifest that goes with a model file, when none was named. */

import { readdirSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { type LoadedManifest, loadManifest } from '../../../ota/bundle/read-manifest.ts';

const stem = (file: string) => basename(file, extname(file));

/**
 * `yolox_nano.manifest.json` beside `yolox_nano.xnn`, else `manifest.json` or any `….manifest.json` there that names the
 * file, or the same name with another ending: a plan is compiled long after the manifest was written.
 * @throws InputError `manifest-invalid`, `manifest-newer`.
 */
export function findManifest(model: string): LoadedManifest | undefined {
  const folder = dirname(model);
  const files = readdirSync(folder).filter((name) => /(^|\.)manifest\.json$/.test(name));
  const own = `${stem(model)}.manifest.json`;
  if (files.includes(own)) return loadManifest(join(folder, own));
  return files
    .sort()
    .map((name) => loadManifest(join(folder, name)))
    .find(({ manifest }) => manifest.artifacts.some(({ path }) => stem(path) === stem(model)));
}
