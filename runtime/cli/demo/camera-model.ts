/** The detection model of the demo: the one that was named, else a public one that lies somewhere near. */

import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import type { LoadedManifest } from '../../../ota/bundle/read-manifest.ts';
import { InputError, ModelError } from '../../core/errors.ts';
import { packageRoot } from '../../core/paths.ts';
import { fetchModel } from '../model/fetch/fetch-model.ts';
import { findFile } from '../model/fetch/find-file.ts';
import { findModel, type IndexedModel, loadIndex, type ModelIndex } from '../model/fetch/model-index.ts';
import { findManifest } from '../model/find-manifest.ts';

export interface DemoModel {
  readonly name: string;
  readonly manifest: string;
}

/** The best that finds persons stands first. */
const PUBLIC = ['yolox-nano', 'fastestdet'];

/**
 * @param named name of the index, folder, manifest or ONNX model; left out: whichever public model is found.
 * @param work folder of the demo's own, for a plan of the model.
 * @throws InputError `demo-model` with the command that gets one, `manifest-missing`; what reading a model throws.
 */
export async function demoModel(named: string | undefined, work: string): Promise<DemoModel> {
  if (named !== undefined && existsSync(named)) return fromPath(resolve(named), work);
  if (named?.includes('/') || named?.endsWith('.onnx'))
    throw new InputError('demo-model', `${named}: there is no such file or folder`);
  const index = loadIndex();
  const models =
    named === undefined ? PUBLIC.map((name) => findModel(index, name)) : [findModel(index, named)];
  for (const model of models) {
    const from = await near(model);
    if (from !== undefined) return fromIndex(index, model, from, work);
  }
  const name = models[0]!.name;
  // `npm start` runs in a checkout, where the program is on no path.
  const vigie = process.env.npm_lifecycle_event === 'start' ? 'npx vigie' : 'vigie';
  throw new InputError(
    'demo-model',
    `no detection model is here. Get one, then start again:\n  ${vigie} model fetch ${name} --out models\nor name one with --model`,
    { facts: { looked: places() } },
  );
}

async function fromPath(path: string, work: string): Promise<DemoModel> {
  if (extname(path) !== '.onnx') return { name: basename(path), manifest: path };
  const loaded = findManifest(path);
  if (!loaded)
    throw new InputError(
      'manifest-missing',
      `${path}: no manifest beside it says what it finds: docs/models.md`,
    );
  const folder = join(work, 'model');
  mkdirSync(folder);
  const file = basename(path);
  copyFileSync(path, join(folder, file));
  const { labels } = loaded.manifest as { labels?: { path?: string } };
  if (labels?.path !== undefined)
    copyFileSync(join(loaded.folder, labels.path), join(folder, basename(labels.path)));
  return withPlan({ ...loaded, folder }, file);
}

async function fromIndex(
  index: ModelIndex,
  model: IndexedModel,
  from: string,
  work: string,
): Promise<DemoModel> {
  const folder = join(work, 'model');
  const { file } = await fetchModel(index, model, { out: folder, from });
  return withPlan(findManifest(file)!, basename(file));
}

/** Compiled for XNNPACK where that can be; ONNX Runtime takes the model as it is. */
async function withPlan({ manifest, folder }: LoadedManifest, file: string): Promise<DemoModel> {
  const artifacts: object[] = [artifact('onnxruntime', folder, file)];
  // Workstation code: a node never compiles.
  const { compileModel } = await import('../../../ota/model/compile.ts');
  try {
    const plan = `${basename(file, extname(file))}.xnn`;
    writeFileSync(join(folder, plan), (await compileModel({ path: join(folder, file) })).bytes);
    artifacts.unshift(artifact('xnnpack', folder, plan));
  } catch (error) {
    if (!(error instanceof ModelError) || error.code !== 'model-unsupported') throw error;
  }
  const path = join(folder, 'manifest.json');
  writeFileSync(path, JSON.stringify({ ...manifest, artifacts }));
  return { name: `${manifest.name} ${manifest.version}`, manifest: path };
}

function artifact(backend: string, folder: string, path: string): object {
  const sha256 = createHash('sha256')
    .update(readFileSync(join(folder, path)))
    .digest('hex');
  return { backend, precision: 'float32', path, sha256 };
}

/** Where the very file of the index lies; whole home folders are not searched. */
async function near(model: IndexedModel): Promise<string | undefined> {
  for (const place of [model.file, ...places()]) {
    if (!statSync(place, { throwIfNoEntry: false })) continue;
    const found = await findFile(place, model).catch(() => undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

const places = () => [
  'models',
  join(process.env.VIGIE_SHARED ?? join(packageRoot, '..', 'shared'), 'models'),
];
