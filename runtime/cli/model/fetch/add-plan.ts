/** A plan for XNNPACK of a model that was fetched, named in the manifest beside it. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { writeFileAtomic } from '../../../core/atomic-file.ts';
import { writePlan } from '../compile.ts';
import type { Companion } from './companions.ts';
import type { Fetched } from './fetch-model.ts';

interface Artifact {
  readonly backend: string;
  readonly precision: string;
  readonly path: string;
  readonly sha256: string;
}

const MODE = 0o644;

/** The plan of a model, beside it. */
export function planOf(file: string): string {
  return join(dirname(file), `${basename(file, extname(file))}.xnn`);
}

/**
 * All else in the manifest stays as it is, tuned thresholds too.
 * @returns undefined when it said why there is none. @throws as writePlan
 */
export async function addPlan(
  { file, manifest }: Pick<Fetched, 'file' | 'manifest'>,
  silent: boolean,
): Promise<Companion | undefined> {
  const output = planOf(file);
  const made = await writePlan(output, { model: file, shapes: {}, manifest: manifest.path }, silent);
  if (!made) return undefined;
  const written = JSON.parse(readFileSync(manifest.path, 'utf8')) as { artifacts: readonly Artifact[] };
  const path = basename(output);
  const model = written.artifacts.find((artifact) => artifact.path === basename(file));
  const plan = {
    backend: 'xnnpack',
    precision: model?.precision ?? 'float32',
    path,
    sha256: createHash('sha256').update(made.compiled.bytes).digest('hex'),
  };
  const artifacts = [plan, ...written.artifacts.filter((artifact) => artifact.path !== path)];
  writeFileAtomic(manifest.path, `${JSON.stringify({ ...written, artifacts }, null, 2)}\n`, MODE);
  return { path: output, state: 'written' };
}
