/** The manifest that goes with a model file, when none was named. */

import { existsSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { type LoadedManifest, loadManifest } from '../../../ota/bundle/read-manifest.ts';

const stem = (file: string) => basename(file, extname(file));

/**
 * `yolox_nano.manifest.json` beside `yolox_nano.xnn`, else a `manifest.json` there that names the file, or the same name
 * with another ending: a plan is compiled long after the manifest was written.
 * @throws InputError `manifest-invalid`, `manifest-newer`.
 */
export function findManifest(model: string): LoadedManifest | undefined {
  const own = join(dirname(model), `${stem(model)}.manifest.json`);
  if (existsSync(own)) return loadManifest(own);
  const shared = join(dirname(model), 'manifest.json');
  if (!existsSync(shared)) return undefined;
  const loaded = loadManifest(shared);
  return loaded.manifest.artifacts.some(({ path }) => stem(path) === stem(model)) ? loaded : undefined;
}
