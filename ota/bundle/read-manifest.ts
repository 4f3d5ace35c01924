/**
 * Reads manifest.json on the node, where every megabyte counts and zod costs several: checks that the parts are there
 * and fills in defaults. The numbers themselves are checked by the native code that takes them.
 */

import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { InputError } from '../../runtime/core/errors.ts';
import {
  DEFAULTS,
  MANIFEST_SCHEMA,
  MOST_ANCHORS,
  MOST_CLASSES,
  MOST_MANIFEST_BYTES,
  MOST_VARIANTS,
  RELATIVE_PATH,
} from './limits.ts';
import type { DetectionManifest, Labels, Manifest, PictureManifest } from './manifest.ts';

type Plain = Record<string, unknown>;
type Ssd = Extract<DetectionManifest['decoding'], { head: 'ssd' }>;

/** A manifest, and the folder that its paths start from. */
export interface LoadedManifest<T extends Manifest = Manifest> {
  readonly manifest: T;
  readonly folder: string;
}

/** @throws InputError `manifest-invalid`, or `manifest-newer` for a format of a later version. */
export function loadManifest(path: string): LoadedManifest {
  return { manifest: parseManifest(readBounded(path).toString('utf8'), path), folder: dirname(path) };
}

/** @param where for errors. @throws as loadManifest. */
export function parseManifest(text: string, where: string): Manifest {
  const manifest = checked(record(parsed(text, where), where, 'the manifest'), where);
  smallerOf(manifest, where);
  return manifest;
}

/** A smaller model that a manifest holds, as if it stood in a manifest of its own. */
export interface SmallerModel {
  readonly name: string;
  readonly manifest: DetectionManifest;
}

/** In the order of the manifest, each faster than the one before. @param where for errors. @throws InputError `manifest-invalid` */
export function smallerOf(manifest: Manifest, where = manifest.name): readonly SmallerModel[] {
  const { variants, ...main } = manifest as Manifest & { readonly variants?: unknown };
  if (variants === undefined) return [];
  if (manifest.task !== 'detection' || !Array.isArray(variants) || variants.length > MOST_VARIANTS)
    invalid(where, `variants: expected a list of at most ${MOST_VARIANTS} models of the task detection`);
  return (variants as unknown[]).map((one, index) => {
    const at = `variants[${index}]`;
    const { name, ...own } = record(one, where, at);
    if (typeof name !== 'string') return invalid(where, `${at}: expected a name`);
    for (const key of ['inputs', 'outputs', 'artifacts'])
      if (own[key] === undefined) invalid(where, `${at}: ${key} is missing`);
    return { name, manifest: checked({ ...main, ...own }, `${where}, ${at}`) as DetectionManifest };
  });
}

function checked(root: Plain, where: string): Manifest {
  const refuse = (why: string): never => invalid(where, why);
  if (typeof root.schema === 'number' && root.schema > MANIFEST_SCHEMA) {
    throw new InputError(
      'manifest-newer',
      `${where}: schema ${root.schema} is newer than this version reads (${MANIFEST_SCHEMA}): update vigie`,
    );
  }
  if (root.schema !== MANIFEST_SCHEMA) refuse(`schema: expected ${MANIFEST_SCHEMA}`);
  for (const key of ['name', 'version']) if (typeof root[key] !== 'string') refuse(`${key}: expected a text`);
  for (const key of ['inputs', 'outputs', 'artifacts']) {
    if (!Array.isArray(root[key]) || root[key].length === 0) refuse(`${key}: expected a list`);
  }
  const tensors = [...(root.inputs as unknown[]), ...(root.outputs as unknown[])];
  for (const tensor of tensors) {
    const { name, type, shape } = record(tensor, where, 'an input or output');
    if (typeof name !== 'string' || typeof type !== 'string')
      refuse('inputs, outputs: expected name and type as texts');
    if (!Array.isArray(shape) || !shape.every(Number.isSafeInteger))
      refuse(`shape of ${name}: expected a list of sizes`);
  }
  for (const artifact of root.artifacts as unknown[])
    inFolder(record(artifact, where, 'an artifact').path, where, 'artifacts');
  record(root.thresholds, where, 'thresholds');
  return { ...root, ...withDefaults(root, where) } as unknown as Manifest;
}

function withDefaults(root: Plain, where: string): Plain {
  const decoding = record(root.decoding, where, 'decoding');
  const { head } = decoding;
  const heads = { detection: DETECTION_HEADS, classification: ['classification'], anomaly: ['score'] };
  const known = Object.hasOwn(heads, String(root.task)) ? heads[root.task as keyof typeof heads] : undefined;
  if (!known) return invalid(where, `task: expected one of ${Object.keys(heads).join(', ')}`);
  if (!known.includes(String(head)))
    return invalid(where, `decoding.head: expected one of ${known.join(', ')}`);
  const own = DEFAULTS.decoding[head as keyof typeof DEFAULTS.decoding];
  if (root.task === 'anomaly') return { decoding };
  if (!isLabels(root.labels)) return invalid(where, 'labels: expected a list of names, a path or a count');
  const levels = head === 'yunet' ? decoding.levels : [];
  if (!Array.isArray(levels)) return invalid(where, 'decoding.levels: expected a list');
  for (const level of levels) record(level, where, 'decoding.levels');
  return {
    preprocessing: { ...DEFAULTS.preprocessing, ...record(root.preprocessing, where, 'preprocessing') },
    decoding: { ...own, ...(root.task === 'detection' ? DEFAULTS.detection : {}), ...decoding },
  };
}

function isLabels(labels: unknown): boolean {
  if (Array.isArray(labels)) return labels.every((label) => typeof label === 'string');
  if (typeof labels !== 'object' || labels === null) return false;
  const { path, count } = labels as Plain;
  return typeof path === 'string' || (Number.isSafeInteger(count) && Number(count) >= 0);
}

const DETECTION_HEADS = Object.keys(DEFAULTS.decoding).filter(
  (head) => head !== 'classification' && head !== 'score',
);

/** The names of the classes, by index. @throws InputError `manifest-invalid` */
export function labelsOf({ manifest, folder }: LoadedManifest<PictureManifest>): readonly string[] {
  const labels: Labels = manifest.labels;
  const list = Array.isArray(labels)
    ? labels
    : 'count' in labels
      ? Array.from({ length: Math.min(labels.count, MOST_CLASSES) }, (_, index) => `class ${index}`)
      : readBounded(join(folder, inFolder(labels.path, folder, 'labels')))
          .toString('utf8')
          .split(/\r?\n/)
          .filter((line) => line.trim() !== '');
  if (list.length === 0 || list.length > MOST_CLASSES)
    invalid(folder, `labels: expected 1 to ${MOST_CLASSES} names`);
  return list;
}

/**
 * The same manifest with the lists in it that it only names, for files that do not lie beside each other.
 * @param file absolute path of a file that the manifest names. @throws InputError `manifest-invalid`; as `file`.
 */
export function inlined(manifest: Manifest, file: (path: string) => string): Manifest {
  if (manifest.task === 'anomaly') return manifest;
  const at = (path: string) => {
    const found = file(path);
    return { folder: dirname(found), path: basename(found) };
  };
  const { labels } = manifest;
  const named = 'path' in labels ? at(labels.path) : undefined;
  const lists = named
    ? {
        labels: [
          ...labelsOf({ manifest: { ...manifest, labels: { path: named.path } }, folder: named.folder }),
        ],
      }
    : {};
  const { decoding } = manifest;
  if (decoding.head !== 'ssd' || !('path' in decoding.anchors)) return { ...manifest, ...lists };
  const { folder, path } = at(decoding.anchors.path);
  const flat = [...anchorsOf({ path }, folder)];
  const anchors = Array.from({ length: flat.length / 4 }, (_, i) => flat.slice(4 * i, 4 * i + 4));
  return { ...manifest, ...lists, decoding: { ...decoding, anchors } } as Manifest;
}

/** Four numbers per anchor. @throws InputError `manifest-invalid` */
export function anchorsOf(anchors: Ssd['anchors'], folder: string): Float32Array {
  const list = Array.isArray(anchors)
    ? anchors
    : parsed(
        readBounded(join(folder, inFolder(anchors.path, folder, 'anchors'))).toString('utf8'),
        anchors.path,
      );
  const right =
    Array.isArray(list) &&
    list.length <= MOST_ANCHORS &&
    list.every((anchor) => Array.isArray(anchor) && anchor.length === 4 && anchor.every(Number.isFinite));
  if (!right) invalid(folder, `anchors: expected a list of at most ${MOST_ANCHORS} times four numbers`);
  return Float32Array.from((list as number[][]).flat());
}

function readBounded(path: string): Buffer {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) throw new InputError('manifest-invalid', `${path} does not exist`);
  if (size > MOST_MANIFEST_BYTES)
    invalid(path, `it has ${size} bytes: expected at most ${MOST_MANIFEST_BYTES}`);
  return readFileSync(path);
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InputError('manifest-invalid', `${where} is not JSON`, { cause });
  }
}

function record(value: unknown, where: string, what: string): Plain {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return invalid(where, `${what}: expected an object`);
  return value as Plain;
}

function inFolder(path: unknown, where: string, what: string): string {
  if (typeof path === 'string' && RELATIVE_PATH.test(path)) return path;
  return invalid(where, `${what}: '${String(path)}' is no path below the manifest's folder`);
}

function invalid(where: string, why: string): never {
  throw new InputError('manifest-invalid', `${where}: ${why}`);
}
