/** What the node and its vision processes say to each other. Plain data; framing.ts puts it on the wire. */

import type { Millis } from '../../core/units.ts';

/** Both sides are of one release; another number is a process of an older start that must go. */
export const PROTOCOL_VERSION = 1;

/** One object found in one frame. */
export interface FoundObject {
  /** Of the class, in the model's labels. */
  readonly index: number;
  readonly label: string;
  /** 0 … 1 */
  readonly score: number;
  /** x, y, width, height as shares of the frame's width and height, 0 … 1, after rotation. */
  readonly box: readonly [number, number, number, number];
}

/** What was found in one frame. An empty list is a frame without objects. */
export interface FrameDetections {
  readonly camera: string;
  /** Rises by one with each captured frame; starts anew with a rebuilt pipeline. */
  readonly sequence: number;
  /** CLOCK_MONOTONIC at capture, of this boot of the machine: comparable with Clock.mono(). */
  readonly capturedAt: Millis;
  /** Of the frame, pixels, after rotation. */
  readonly width: number;
  readonly height: number;
  readonly objects: readonly FoundObject[];
  readonly timing: FrameTiming;
}

/** Where the time of one frame went. */
export interface FrameTiming {
  /** From capture until the frame was handed to the model. */
  readonly handOver: Millis;
  /** Pre-processing, inference, decoding. */
  readonly detect: Millis;
}

export interface CapturedPicture {
  readonly camera: string;
  readonly sequence: number;
  readonly capturedAt: Millis;
  readonly width: number;
  readonly height: number;
  readonly jpeg: Uint8Array;
}

/** How one camera is read, decided by the node. */
export interface CameraJob {
  readonly camera: string;
  /** GStreamer description that ends in NV12 or I420 in ordinary memory; without the sink. */
  readonly pipeline: string;
  /** Play at the recorded speed: for files. Live sources come at their own. */
  readonly paced: boolean;
  /** Start again at the end. */
  readonly loop: boolean;
  /** Folder or file of the model's manifest; undefined: frames are captured and counted only. */
  readonly model?: ModelJob;
}

export interface ModelJob {
  readonly manifest: string;
  readonly backends: readonly string[];
  readonly threads: number;
  readonly memoryLimitBytes?: number;
  readonly affinity?: readonly number[];
}

export interface CameraCounters {
  /** Since the process started. */
  readonly captured: number;
  /** Overwritten by a newer frame before anyone looked. */
  readonly skipped: number;
  readonly detected: number;
  /** Results that had to go because the node did not read fast enough. */
  readonly dropped: number;
}

/** Node to process. */
export type ToVision =
  | { readonly type: 'start'; readonly job: CameraJob }
  /** Takes the pipeline apart and builds it anew. */
  | { readonly type: 'rebuild'; readonly camera: string }
  | { readonly type: 'stop'; readonly camera: string }
  /** Asks for the newest frame as JPEG, of the whole or of a part (shares as in FoundObject.box). */
  | {
      readonly type: 'picture';
      readonly camera: string;
      readonly request: number;
      readonly quality: number;
      /** Longest side, pixels. */
      readonly most?: number;
    };

/** Process to node. */
export type FromVision =
  | { readonly type: 'hello'; readonly version: number; readonly pid: number }
  /** Each second, also without frames: the process is not stuck. */
  | { readonly type: 'alive'; readonly cameras: Readonly<Record<string, CameraPulse>> }
  | ({ readonly type: 'detections' } & FrameDetections)
  /** The JPEG follows as the message's bytes. Without size: there was no picture. */
  | {
      readonly type: 'picture';
      readonly camera: string;
      readonly request: number;
      readonly sequence: number;
      readonly capturedAt: Millis;
      readonly width: number;
      readonly height: number;
      readonly problem?: string;
    }
  /** Frames come in this size now. */
  | {
      readonly type: 'format';
      readonly camera: string;
      readonly width: number;
      readonly height: number;
      readonly format: string;
    }
  | { readonly type: 'ended'; readonly camera: string }
  | { readonly type: 'fault'; readonly camera: string; readonly code: string; readonly detail: string }
  /** The model is loaded and named, or refused with a fault. */
  | {
      readonly type: 'model';
      readonly camera: string;
      readonly name: string;
      readonly version: string;
      readonly backend: string;
    };

export interface CameraPulse extends CameraCounters {
  /** Of the newest frame; undefined before the first. */
  readonly lastFrame?: Millis;
  /** Since when every frame has been the very same; undefined before the first. */
  readonly sameSince?: Millis;
}
