/** Pictures in, detections or classes out, natively; for the sessions of any backend. */

import { binding, calling, type NativeSessionHandle, translated } from './binding.ts';
import type { CapturedFrame } from './capture.ts';

export type PixelFormat = 'rgb' | 'bgr' | 'nv12' | 'i420' | 'yuyv';

/** 8 bits per sample. */
export interface Frame {
  readonly format: PixelFormat;
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  /** Where the planes are in `data`, in bytes; left out: one behind the other, rows without gaps. */
  readonly planes?: readonly { readonly offset: number; readonly stride: number }[];
  /** Of the YUV formats: how their colours are meant. 'bt601' when left out. */
  readonly matrix?: YuvMatrix;
  /** Brightness from 0 to 255, as in JPEG, instead of from 16 to 235. */
  readonly fullRange?: boolean;
}

/** Of SD and JPEG, of HD, of UHD. */
export type YuvMatrix = 'bt601' | 'bt709' | 'bt2020';

/** Interleaved RGB. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

export interface PreprocessOptions {
  readonly resize: 'stretch' | 'letterbox-center' | 'letterbox-top-left';
  readonly filter: 'bilinear' | 'area';
  /** Of the model's picture. */
  readonly width: number;
  readonly height: number;
  readonly pad: number;
  readonly order: 'rgb' | 'bgr';
  /** value = (pixel - mean) / divisor */
  readonly mean: readonly number[];
  readonly divisor: readonly number[];
  /** Of the model's input. */
  readonly type: string;
  readonly layout: 'nchw' | 'nhwc';
}

export type DetectionHead = 'yolox' | 'yolov5' | 'yolov8' | 'nanodet' | 'fastestdet' | 'ssd' | 'yunet';
export type Activation = 'none' | 'sigmoid' | 'softmax';

/** What a head does not use may be left out; the manifest's schema explains each. */
export interface DetectionDecoding {
  readonly head: DetectionHead;
  readonly outputs: readonly string[];
  readonly classes: number;
  readonly threshold: number;
  readonly iou: number;
  readonly classAgnostic: boolean;
  readonly most: number;
  readonly activation?: Activation;
  readonly objectnessPower?: number;
  readonly classPower?: number;
  readonly strides?: readonly number[];
  readonly bins?: number;
  readonly gridOffset?: number;
  readonly anchors?: Float32Array;
  readonly variances?: readonly number[];
  readonly verticalFirst?: boolean;
  readonly background?: boolean;
}

export interface ClassificationDecoding {
  readonly head: 'classification';
  readonly outputs: readonly string[];
  readonly classes: number;
  readonly activation: Activation;
  readonly most: number;
  readonly threshold: number;
}

export interface Detection {
  /** Of the class. */
  readonly index: number;
  readonly score: number;
  /** x, y, width, height in pixels of the picture, within it. */
  readonly box: readonly [number, number, number, number];
  /** x, y of each, in pixels; only of heads that find them. */
  readonly landmarks?: readonly number[];
}

export interface ClassScore {
  readonly index: number;
  readonly score: number;
}

/** An output of a model. */
export interface OutputTensor {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** The native object; methods throw Errors with a `code`. */
export interface NativeVision {
  prepare(frame: Frame | CapturedFrame, out: Float32Array | Int8Array | Uint8Array): void;
  decode(arrays: readonly unknown[], shapes: readonly unknown[], width: number, height: number): unknown;
  detect(session: NativeSessionHandle, frame: Frame | CapturedFrame): Promise<unknown>;
}

const UNUSED = {
  activation: 'none',
  objectnessPower: 1,
  classPower: 1,
  strides: [],
  bins: 1,
  gridOffset: 0,
  anchors: new Float32Array(),
  variances: [0.1, 0.2],
  verticalFirst: false,
  background: false,
} as const;

export type VisionResult<T extends DetectionDecoding | ClassificationDecoding> = T extends DetectionDecoding
  ? Detection[]
  : ClassScore[];

/** Pre-processing and decoding of one model. One object per session. */
export class Vision<T extends DetectionDecoding | ClassificationDecoding> {
  readonly #native: NativeVision;

  /** @throws InputError `bad-argument` naming the option. */
  constructor(preprocess: PreprocessOptions, decoding: T) {
    const options = { preprocess, decoding: { ...UNUSED, ...decoding } };
    this.#native = calling(() => new (binding().Vision)(options));
  }

  /**
   * Fills `out` with the model's input in the form of its contract, on this thread.
   * @param out 3 * width * height elements of the input's type. @throws InputError `bad-argument`
   */
  prepare(frame: Frame | CapturedFrame, out: Float32Array | Int8Array | Uint8Array): void {
    calling(() => this.#native.prepare(frame, out));
  }

  /**
   * @param outputs in the order of `decoding.outputs`. @param width, height of the picture that they come from.
   * @throws ModelError `bad-model` when they are not what the head writes.
   */
  decode(outputs: readonly OutputTensor[], width: number, height: number): VisionResult<T> {
    const arrays = outputs.map(({ data }) => data);
    const shapes = outputs.map(({ shape }) => shape);
    return calling(() => this.#native.decode(arrays, shapes, width, height)) as VisionResult<T>;
  }

  /**
   * All of it on the thread of a native session: the picture is scaled into the backend's own buffer, outputs are
   * decoded where they lie. The frame is read before this returns.
   * @throws ModelError `bad-model`, `session-busy`, `session-closed`, `model-run`; InputError `bad-argument`
   */
  async detect(session: NativeSessionHandle, frame: Frame | CapturedFrame): Promise<VisionResult<T>> {
    try {
      return (await this.#native.detect(session, frame)) as VisionResult<T>;
    } catch (error) {
      throw translated(error);
    }
  }
}

/** JPEG, PNG (over black) or binary PPM, of at most 100 million pixels. @throws InputError `bad-picture` */
export function decodePicture(bytes: Uint8Array): Picture {
  return calling(() => binding().decodePicture(bytes));
}
