/**
 * The peer of our path from picture to boxes: what a careful JavaScript program does with the same model file. sharp
 * resizes, a loop packs the pixels into the model's input, onnxruntime-node runs it, a loop decodes and suppresses.
 */

import { InferenceSession, Tensor } from 'onnxruntime-node';

export interface PeerPicture {
  readonly width: number;
  readonly height: number;
  /** Interleaved RGB. */
  readonly data: Uint8Array;
}

export interface PeerDetection {
  readonly index: number;
  readonly score: number;
  readonly box: readonly [x: number, y: number, width: number, height: number];
}

export type PeerModel = 'yolox' | 'fastestdet';

export interface Peer {
  detect(picture: PeerPicture): Promise<PeerDetection[]>;
  close(): Promise<void>;
}

interface Placed {
  readonly width: number;
  readonly height: number;
  /** Pixels of the model per pixel of the picture. */
  readonly ratio: readonly [x: number, y: number];
}

/** Corners in pixels of the model's picture. */
interface Candidate {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly score: number;
  readonly index: number;
}

interface Recipe {
  readonly size: number;
  readonly pad: number;
  readonly divisor: number;
  place(picture: PeerPicture): Placed;
  decode(output: Float32Array): Candidate[];
}

const MOST_OVERLAP = 0.45;
const CLASSES = 80;
const sigmoid = (value: number) => 1 / (1 + Math.exp(-value));

const RECIPES: Readonly<Record<PeerModel, Recipe>> = {
  yolox: {
    size: 416,
    pad: 114,
    divisor: 1,
    place({ width, height }) {
      const ratio = Math.min(416 / width, 416 / height);
      return { width: Math.floor(width * ratio), height: Math.floor(height * ratio), ratio: [ratio, ratio] };
    },
    decode: decodeYolox,
  },
  fastestdet: {
    size: 352,
    pad: 0,
    divisor: 255,
    place: ({ width, height }) => ({ width: 352, height: 352, ratio: [352 / width, 352 / height] }),
    decode: decodeFastestdet,
  },
};

/** @param path of the ONNX model. One thread, as ours. */
export async function openPeer(model: PeerModel, path: string): Promise<Peer> {
  const { default: sharp } = await import('sharp');
  sharp.concurrency(1);
  sharp.cache(false);
  const session = await InferenceSession.create(path, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const recipe = RECIPES[model];
  const { size } = recipe;
  const input = new Float32Array(3 * size * size);
  const shape = [1, 3, size, size];
  const [inputName, outputName] = [session.inputNames[0]!, session.outputNames[0]!];
  return {
    async detect(picture) {
      const placed = recipe.place(picture);
      const raw = { width: picture.width, height: picture.height, channels: 3 as const };
      const resized = await sharp(picture.data, { raw })
        .resize(placed.width, placed.height, { fit: 'fill', kernel: 'linear', fastShrinkOnLoad: false })
        .raw()
        .toBuffer();
      pack(resized, placed, recipe, input);
      const results = await session.run({ [inputName]: new Tensor('float32', input, shape) });
      const candidates = recipe.decode(results[outputName]!.data as Float32Array);
      return suppress(candidates).map((one) => toPicture(one, placed));
    },
    close: () => session.release(),
  };
}

/** RGB rows become planes in the order blue, green, red. */
function pack(rgb: Uint8Array, placed: Placed, { size, pad, divisor }: Recipe, out: Float32Array): void {
  const plane = size * size;
  if (placed.width < size || placed.height < size) out.fill(pad / divisor);
  const factor = 1 / divisor;
  let from = 0;
  for (let y = 0; y < placed.height; y++) {
    let to = y * size;
    for (let x = 0; x < placed.width; x++, to++, from += 3) {
      out[to] = rgb[from + 2]! * factor;
      out[to + plane] = rgb[from + 1]! * factor;
      out[to + 2 * plane] = rgb[from]! * factor;
    }
  }
}

function decodeYolox(rows: Float32Array): Candidate[] {
  const found: Candidate[] = [];
  const width = 5 + CLASSES;
  let at = 0;
  for (const stride of [8, 16, 32]) {
    const columns = 416 / stride;
    for (let cell = 0; cell < columns * columns; cell++, at += width) {
      const objectness = rows[at + 4]!;
      if (objectness <= 0.3) continue;
      let index = 0;
      for (let c = 1; c < CLASSES; c++) if (rows[at + 5 + c]! > rows[at + 5 + index]!) index = c;
      const score = objectness * rows[at + 5 + index]!;
      if (score <= 0.3) continue;
      const x = (rows[at]! + (cell % columns)) * stride;
      const y = (rows[at + 1]! + Math.floor(cell / columns)) * stride;
      const [w, h] = [Math.exp(rows[at + 2]!) * stride, Math.exp(rows[at + 3]!) * stride];
      found.push({ left: x - w / 2, top: y - h / 2, right: x + w / 2, bottom: y + h / 2, score, index });
    }
  }
  return found;
}

function decodeFastestdet(planes: Float32Array): Candidate[] {
  const found: Candidate[] = [];
  const [columns, size] = [22, 352];
  const cells = columns * columns;
  for (let cell = 0; cell < cells; cell++) {
    const objectness = planes[cell]! ** 0.6;
    if (objectness <= 0.65) continue;
    let index = 0;
    for (let c = 1; c < CLASSES; c++) {
      if (planes[(5 + c) * cells + cell]! > planes[(5 + index) * cells + cell]!) index = c;
    }
    const score = objectness * planes[(5 + index) * cells + cell]! ** 0.4;
    if (score <= 0.65) continue;
    const x = (((cell % columns) + Math.tanh(planes[cells + cell]!)) / columns) * size;
    const y = ((Math.floor(cell / columns) + Math.tanh(planes[2 * cells + cell]!)) / columns) * size;
    const [w, h] = [sigmoid(planes[3 * cells + cell]!) * size, sigmoid(planes[4 * cells + cell]!) * size];
    found.push({ left: x - w / 2, top: y - h / 2, right: x + w / 2, bottom: y + h / 2, score, index });
  }
  return found;
}

function overlap(a: Candidate, b: Candidate): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const area = (one: Candidate) => (one.right - one.left) * (one.bottom - one.top);
  return (width * height) / (area(a) + area(b) - width * height);
}

function suppress(candidates: Candidate[]): Candidate[] {
  const kept: Candidate[] = [];
  for (const one of candidates.sort((a, b) => b.score - a.score)) {
    if (kept.every((better) => overlap(better, one) <= MOST_OVERLAP)) kept.push(one);
  }
  return kept;
}

function toPicture({ left, top, right, bottom, score, index }: Candidate, { ratio }: Placed): PeerDetection {
  const [x, y] = ratio;
  return { index, score, box: [left / x, top / y, (right - left) / x, (bottom - top) / y] };
}
