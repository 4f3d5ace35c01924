/** The index of public models: examples/models/index.yaml, with the manifests beside it. */

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { InputError } from '../../../core/errors.ts';
import { nearestName } from '../../../core/nearest-name.ts';
import { packageRoot } from '../../../core/paths.ts';

export const INDEX_FILE = join(packageRoot, 'examples/models/index.yaml');

/** Models for boards are far smaller; a typing error must not fill a disk. */
const MOST_BYTES = 1e9;

const fileName = z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/, 'expected a file name without folders');
const text = z.string().min(1).max(60);

const indexedModel = z.strictObject({
  name: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'expected a kebab-case name'),
  task: z.enum(['detection', 'classification']),
  detects: text,
  /** SPDX identifier, of the repository that the weights come from. */
  license: z.string().regex(/^[A-Za-z0-9.+-]+$/, 'expected an SPDX identifier'),
  /** Data sets have terms of their own. */
  trainedOn: text,
  source: z.url({ protocol: /^https$/ }),
  /** What the file is called once it is here; the manifest's artifact has the same name. */
  file: fileName,
  bytes: z.int().min(1).max(MOST_BYTES),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits in small letters'),
  /** Beside the index. */
  manifest: fileName,
  use: text,
});

const modelIndex = z.strictObject({
  schema: z.literal(1),
  models: z
    .array(indexedModel)
    .min(1)
    .refine((models) => new Set(models.map(({ name }) => name)).size === models.length, 'two have one name'),
});

export type IndexedModel = z.infer<typeof indexedModel>;

export interface ModelIndex {
  readonly models: readonly IndexedModel[];
  /** Where the manifests lie. */
  readonly folder: string;
}

/** @throws InputError `model-index-invalid`. */
export function loadIndex(path: string = INDEX_FILE): ModelIndex {
  try {
    return { models: modelIndex.parse(parse(readFileSync(path, 'utf8'))).models, folder: dirname(path) };
  } catch (cause) {
    const why = cause instanceof z.ZodError ? `:\n${z.prettifyError(cause)}` : '';
    const detail = { facts: { file: path }, ...(why ? {} : { cause }) };
    throw new InputError('model-index-invalid', `cannot use the index of models ${path}${why}`, detail);
  }
}

/** @throws InputError `model-unknown`. */
export function findModel({ models }: ModelIndex, name: string): IndexedModel {
  const found = models.find((model) => model.name === name);
  if (found) return found;
  const names = models.map((model) => model.name);
  const near = nearestName(name, names);
  const hint = near ? `did you mean '${near}'?` : `there are: ${names.join(', ')}`;
  throw new InputError('model-unknown', `the index has no model '${name}'; ${hint}`, { facts: { name } });
}
