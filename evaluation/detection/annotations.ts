/** True boxes of pictures: COCO's `instances_*.json`, or `{ images: [{ file, person_boxes_xyxy }] }`. */

import { readFileSync } from 'node:fs';
import { describeError, InputError } from '../../runtime/core/errors.ts';
import type { Box } from './average-precision.ts';

export interface AnnotatedPicture {
  readonly file: string;
  /** By label, in pixels. Labels that no picture has are absent. */
  readonly boxes: ReadonlyMap<string, readonly Box[]>;
}

type Json = Record<string, unknown>;

/** @throws InputError `annotations-invalid` saying where. */
export function readAnnotations(path: string): AnnotatedPicture[] {
  let root: unknown;
  try {
    root = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    return refuse(path, `cannot be read as JSON: ${describeError(cause)}`, cause);
  }
  const { images, annotations } = object(path, root, 'the file');
  const pictures = list(path, images, 'images').map((one, i) => object(path, one, `images[${i}]`));
  return annotations === undefined ? persons(path, pictures) : coco(path, root as Json, pictures);
}

function persons(path: string, pictures: readonly Json[]): AnnotatedPicture[] {
  return pictures.map(({ file, person_boxes_xyxy: boxes }, i) => {
    const where = `images[${i}].person_boxes_xyxy`;
    const found = list(path, boxes, where).map((one): Box => {
      const [left, top, right, bottom] = four(path, one, where);
      return [left, top, right - left, bottom - top];
    });
    return { file: text(path, file, `images[${i}].file`), boxes: new Map([['person', found]]) };
  });
}

function coco(path: string, root: Json, pictures: readonly Json[]): AnnotatedPicture[] {
  const names = new Map(
    list(path, root.categories, 'categories').map((one, i) => {
      const { id, name } = object(path, one, `categories[${i}]`);
      return [id, text(path, name, `categories[${i}].name`)];
    }),
  );
  const byPicture = new Map<unknown, Map<string, Box[]>>(pictures.map(({ id }) => [id, new Map()]));
  for (const [i, one] of list(path, root.annotations, 'annotations').entries()) {
    const where = `annotations[${i}]`;
    const { image_id, category_id, bbox, iscrowd } = object(path, one, where);
    const [boxes, label] = [byPicture.get(image_id), names.get(category_id)];
    if (!boxes || label === undefined) {
      return refuse(path, `${where}: its image_id or category_id is not in the file`);
    }
    // One box around a crowd is no object of its own.
    if (iscrowd === 1) continue;
    boxes.set(label, [...(boxes.get(label) ?? []), four(path, bbox, `${where}.bbox`)]);
  }
  return pictures.map(({ id, file_name }, i) => ({
    file: text(path, file_name, `images[${i}].file_name`),
    boxes: byPicture.get(id)!,
  }));
}

function object(path: string, value: unknown, where: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  return refuse(path, `${where}: expected an object`);
}

function list(path: string, value: unknown, where: string): readonly unknown[] {
  return Array.isArray(value) ? value : refuse(path, `${where}: expected a list`);
}

function text(path: string, value: unknown, where: string): string {
  return typeof value === 'string' && value !== '' ? value : refuse(path, `${where}: expected a text`);
}

function four(path: string, value: unknown, where: string): [number, number, number, number] {
  if (Array.isArray(value) && value.length === 4 && value.every(Number.isFinite)) {
    return value as [number, number, number, number];
  }
  return refuse(path, `${where}: expected four numbers`);
}

function refuse(path: string, why: string, cause?: unknown): never {
  throw new InputError('annotations-invalid', `${path}: ${why}`, { cause });
}
