/** Pictures of a recording, one after the other, with their times: animated GIF or WebP, a picture, or a folder of pictures. */

import { readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Frame } from '../../runtime/addon/vision.ts';
import { describeError, InputError } from '../../runtime/core/errors.ts';
import { type Millis, millis } from '../../runtime/core/units.ts';

export interface VideoFrame {
  readonly frame: Frame;
  /** Since the first frame. */
  readonly at: Millis;
}

/** Frames in order; ends with the recording. */
export type VideoFrames = AsyncIterable<VideoFrame>;

/** Viewers show frames that claim to last less than 20 ms for a tenth of a second, and so are GIFs made. */
const LEAST_DELAY = 20;
const USUAL_DELAY = 100;
const PICTURES = ['.jpg', '.jpeg', '.png', '.webp'];

/**
 * Decoded by sharp: evaluation is the workstation's work, and needs no camera stack there.
 * @param fps of a folder of pictures. @throws InputError `video-unreadable`
 */
export async function* videoFrames(path: string, fps = 10): VideoFrames {
  const files = picturesOf(path);
  if (files.length === 1) {
    yield* pages(files[0]!);
    return;
  }
  for (const [index, file] of files.entries()) {
    for await (const { frame } of pages(file)) {
      yield { frame, at: millis((1000 * index) / fps) };
      break;
    }
  }
}

function picturesOf(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    const names = readdirSync(path).filter((name) => PICTURES.includes(extname(name).toLowerCase()));
    if (names.length > 0) return names.sort().map((name) => join(path, name));
  } catch (error) {
    unreadable(path, describeError(error), error);
  }
  return unreadable(path, `holds no picture (${PICTURES.join(', ')})`);
}

async function* pages(path: string): VideoFrames {
  const { default: sharp } = await import('sharp');
  const described = await sharp(path)
    .metadata()
    .catch((error: unknown) => unreadable(path, describeError(error), error));
  let at = 0;
  for (let page = 0; page < (described.pages ?? 1); page++) {
    const { data, info } = await sharp(path, { page })
      .flatten({ background: 'black' })
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true })
      .catch((error: unknown) => unreadable(path, `picture ${page + 1}: ${describeError(error)}`, error));
    const { width, height } = info;
    yield { frame: { format: 'rgb', width, height, data: rgb(data, info.channels) }, at: millis(at) };
    const delay = described.delay?.[page] ?? USUAL_DELAY;
    at += delay < LEAST_DELAY ? USUAL_DELAY : delay;
  }
}

/** A grey picture has one channel. */
function rgb(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return data;
  const out = new Uint8Array(3 * data.length);
  for (let i = 0; i < data.length; i++) out.fill(data[i]!, 3 * i, 3 * i + 3);
  return out;
}

function unreadable(path: string, why: string, cause?: unknown): never {
  throw new InputError('video-unreadable', `${path} cannot be read as frames: ${why}`, { cause });
}
