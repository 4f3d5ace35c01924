/** Pictures from cameras and files, over GStreamer. Pixels stay in the addon: JavaScript holds a frame by its handle. */

import { binding, calling, translated } from './binding.ts';
import type { YuvMatrix } from './vision.ts';

/** A captured frame. `Vision.detect` and `drawPicture` take it as they take a Frame, without a copy. */
export interface CapturedFrame {
  readonly width: number;
  readonly height: number;
  readonly format: 'nv12' | 'i420';
  /** How its colours are meant, as the source says. */
  readonly matrix: YuvMatrix;
  readonly fullRange: boolean;
  /** From 1, one more with each frame that the pipeline gave, skipped ones among them. */
  readonly sequence: number;
  /** CLOCK_MONOTONIC, milliseconds. */
  readonly capturedAt: number;
  /** CLOCK_MONOTONIC since when every frame has had the very same pixels. */
  readonly sameSince: number;
  /** In the recording, milliseconds; undefined where the source does not tell. */
  readonly position?: number | undefined;
  /** The same picture to be kept: in memory of its own where the camera has but a few buffers. */
  copy(): CapturedFrame;
  /** Mean brightness of each cell, row by row; at most 1024 cells a side. */
  lumaGrid(width: number, height: number): Uint8Array;
  /** Gives the buffer back to the pipeline; every method throws `bad-argument` from now on. Idempotent. */
  close(): void;
}

export interface CaptureCounters {
  readonly captured: number;
  readonly skipped: number;
  /** Pictures that could not be read and were passed over. */
  readonly damaged: number;
}

/** `frame`: take() has one. The others come once, and no frame follows: close and open anew. */
export type CaptureEvent =
  | { readonly type: 'frame' }
  | { readonly type: 'ended' }
  | { readonly type: 'failed'; readonly code: CaptureFault; readonly detail: string };

/** `capture-failed` stands for all that GStreamer has no closer word for. */
export type CaptureFault =
  | 'device-missing'
  | 'device-refused'
  | 'device-busy'
  | 'unreachable'
  | 'format-refused'
  | 'element-missing'
  | 'stream-damaged'
  | 'capture-failed';

export interface CaptureOptions {
  /** GStreamer description that ends in NV12 or I420 in ordinary memory, without a sink. */
  readonly pipeline: string;
  /** Frames at the times that their stamps say: for files. */
  readonly paced: boolean;
  /** No frame is skipped: the pipeline waits for take(). */
  readonly everyFrame?: boolean;
}

/** The native objects; methods throw Errors with a `code`. */
export interface NativeCapture {
  take(): CapturedFrame | undefined;
  counters(): CaptureCounters;
  close(): Promise<void>;
}

export interface CaptureBinding {
  /** Undefined when pictures can be captured; else why not, and what to install. */
  captureProblem(): string | undefined;
  openCapture(
    options: CaptureOptions,
    onEvent: (type: CaptureEvent['type'], code?: string, detail?: string) => void,
  ): NativeCapture;
}

/** @returns why nothing can be captured here, with what to install; undefined when it can. */
export function captureProblem(): string | undefined {
  return binding().captureProblem();
}

/** One running pipeline. A frame that nobody took is overwritten by the next, and counted. */
export class Capture {
  readonly #native: NativeCapture;
  #closed: Promise<void> | undefined;

  /**
   * Starts it; what fails later comes as an event.
   * @param onEvent called from the event loop, never during a call.
   * @throws DeviceError `capture-unavailable` (what to install), InputError `bad-pipeline` (what GStreamer says of the text)
   */
  constructor(options: CaptureOptions, onEvent: (event: CaptureEvent) => void) {
    this.#native = calling(() =>
      binding().openCapture(options, (type, code, detail) =>
        onEvent(type === 'failed' ? { type, code: code as CaptureFault, detail: detail ?? '' } : { type }),
      ),
    );
  }

  /** The newest frame that was not taken yet; close it soon: cameras have few buffers. */
  take(): CapturedFrame | undefined {
    return calling(() => this.#native.take());
  }

  counters(): CaptureCounters {
    return calling(() => this.#native.counters());
  }

  /** Settles when the pipeline is gone, which a hung driver may put off for ever. Frames stay usable. Idempotent. */
  async close(): Promise<void> {
    try {
      this.#closed ??= this.#native.close();
      await this.#closed;
    } catch (error) {
      throw translated(error);
    }
  }
}
