/** What a model needs beside it: its manifest, under the name it is looked for, and its labels. */

import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { parseManifest } from '../../../../ota/bundle/read-manifest.ts';
import { writeFileAtomic } from '../../../core/atomic-file.ts';
import { InputError } from '../../../core/errors.ts';
import type { IndexedModel, ModelIndex } from './model-index.ts';

export interface Companion {
  readonly path: string;
  /** `kept`: there was a file by this name with other content, perhaps thresholds somebody tuned. */
  readonly state: 'written' | 'present' | 'kept';
}

export interface Companions {
  readonly manifest: Companion;
  /** Undefined where the manifest needs no file of labels. */
  readonly labels: Companion | undefined;
}

const MODE = 0o644;

/** @throws InputError `model-index-invalid`; StorageError `state-write`. */
export function writeCompanions(
  model: IndexedModel,
  { folder }: Pick<ModelIndex, 'folder'>,
  out: string,
): Companions {
  const source = join(folder, model.manifest);
  const text = readFileSync(source, 'utf8');
  const { labels } = parseManifest(text, source) as { labels?: unknown };
  const path = join(out, `${basename(model.file, extname(model.file))}.manifest.json`);
  const file = labelsFile(labels);
  return {
    labels:
      file === undefined
        ? undefined
        : put(join(out, file), readFileSync(join(dirname(source), file), 'utf8')),
    manifest: put(path, withOnly(model, JSON.parse(text), source), (there) => withoutPlans(model, there)),
  };
}

const labelsFile = (labels: unknown) => (labels as { path?: string } | undefined)?.path;

/** Other precisions of the model are not here: the manifest must not promise them. */
function withOnly(
  { file, sha256 }: IndexedModel,
  manifest: { artifacts: Artifact[] },
  source: string,
): string {
  const artifacts = manifest.artifacts.filter((one) => one.path === file && one.sha256 === sha256);
  if (artifacts.length === 0)
    throw new InputError('model-index-invalid', `${source} names no ${file} with the checksum of the index`);
  return `${JSON.stringify({ ...manifest, artifacts }, null, 2)}\n`;
}

/** A plan that was added since changes nothing of what came with the model. */
function withoutPlans({ file }: IndexedModel, there: string): string {
  try {
    const manifest = JSON.parse(there) as { artifacts: Artifact[] };
    const artifacts = manifest.artifacts.filter(({ path }) => path === file);
    return `${JSON.stringify({ ...manifest, artifacts }, null, 2)}\n`;
  } catch {
    return there;
  }
}

interface Artifact {
  readonly path: string;
  readonly sha256: string;
}

function put(path: string, text: string, asItCame = (there: string) => there): Companion {
  if (existsSync(path))
    return { path, state: asItCame(readFileSync(path, 'utf8')) === text ? 'present' : 'kept' };
  writeFileAtomic(path, text, MODE);
  return { path, state: 'written' };
}
