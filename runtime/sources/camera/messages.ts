/** What the node and its vision processes say to each other. Plain data; framing.ts puts it on the wire. */

import type { DeviceProfile } from '../../config/device-profile/schema.ts';
import type { DetectionConfig } from '../../config/schema/zones.ts';
import type { Annotations } from '../../core/annotations.ts';
import type { Box } from '../../core/geometry.ts';
import type { ModelIdentity } from '../../core/messages.ts';
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
  /** As shares of the frame's width and height, 0 … 1, after rotation. */
  readonly box: Box;
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
export interface CameraJob extends LookingJob {
  readonly camera: string;
  /** GStreamer description that ends in NV12 or I420 in ordinary memory; without the sink. */
  readonly pipeline: string;
  /** What of it must not be repeated in faults; empty for none. */
  readonly secret: string;
  /** Play at the recorded speed: for files. Live sources come at their own. */
  readonly paced: boolean;
  /** Start again at the end. */
  readonly loop: boolean;
  /** The end is a fault: a camera has none. */
  readonly endless: boolean;
  /** Undefined: frames are captured and counted only. */
  readonly model?: ModelJob;
  /** Found objects of these classes are made unrecognisable on every picture. */
  readonly hidden: readonly string[];
  /** Faces alone are hidden instead, as long as the model finds them in time. */
  readonly faces?: { readonly model?: ModelJob };
}

/** When the model looks at a frame. */
export interface LookingJob {
  /** Undefined: whether anything moves or not. */
  readonly motion?: Pick<DetectionConfig, 'motion' | 'zones' | 'tripwires'> | undefined;
  readonly rate: RateJob;
}

/** Why faces cannot be told from the rest of a person; what is shown of them then is nothing. */
export interface FacesTrouble {
  readonly kind: 'missing' | 'late';
  readonly reason: string;
}

/** What makes the model look at fewer frames. */
export interface RateJob {
  readonly config: DetectionConfig['rate'];
  /** Of the device profile. */
  readonly thermal: DeviceProfile['thermal']['zones'];
  /** File that tells the board's heat, too. */
  readonly tegrastats?: string | undefined;
}

/** From now on the model looks at every n-th frame. */
export interface RateTold {
  readonly everyNth: number;
  /** Of the model, where it has several and another one looks from now on. */
  readonly variant?: string;
  readonly cause: 'heat' | 'cool' | 'slow' | 'fast';
  /** One sentence for a person. */
  readonly reason: string;
}

export interface ModelJob {
  /** File or folder; of a bundle its manifest.json. */
  readonly manifest: string;
  /** Left out: the files lie beside the manifest. */
  readonly bundle?: BundleFiles;
  /** Boxes are told down to this part of the manifest's threshold: they may continue a track. */
  readonly lowScore: number;
  /** In the order they are tried. */
  readonly backends: readonly string[];
  readonly precision: string;
  readonly threads: number;
  readonly memoryLimitBytes?: number;
  readonly affinity?: readonly number[];
}

/** A release of a signed bundle as it lies in the node's store: verified, and tested in a process of its own. */
export interface BundleFiles {
  readonly release: number;
  /** SHA-256 of its bundle.json. */
  readonly digest: string;
  /** Absolute paths, by path in the bundle, of what this node has of it. */
  readonly files: Readonly<Record<string, string>>;
  /** Where engines were built of it, on boards that do. */
  readonly tensorrt?: {
    readonly folder: string;
    readonly maxBatch: number;
    readonly workspaceBytes?: number;
  };
}

/** Since the process started. */
export interface CameraCounters {
  readonly captured: number;
  /** Overwritten by a newer frame before anyone looked. */
  readonly skipped: number;
  /** Pictures that could not be read. */
  readonly damaged: number;
  /** Frames that the motion gate kept from the model. */
  readonly still: number;
  /** Frames that the rate policy kept from the model. */
  readonly spared: number;
  readonly detected: number;
  /** Results that had to go because the node did not read fast enough. */
  readonly dropped: number;
}

export interface CameraPulse extends CameraCounters {
  /** Of the newest frame; undefined before the first of this pipeline. */
  readonly lastFrame?: Millis;
  /** Since when every frame has been the very same; undefined before the first. */
  readonly sameSince?: Millis;
  /** Since when the model has been at the frame that it looks at; left out between two looks. */
  readonly lookingSince?: Millis;
}

/** Node to process. */
export type ToVision =
  | { readonly type: 'start'; readonly job: CameraJob }
  /** Loads it beside the one that looks, which makes way between two looks; null: nothing looks any more. */
  | { readonly type: 'serve'; readonly camera: string; readonly model: ModelJob | null }
  /** Takes the pipeline apart and builds it anew. */
  | { readonly type: 'rebuild'; readonly camera: string }
  /** The model looks by other rules from now on. */
  | ({ readonly type: 'configure'; readonly camera: string } & LookingJob)
  /** Something is tracked: the motion gate stays open. */
  | { readonly type: 'busy'; readonly camera: string; readonly busy: boolean }
  | ({ readonly type: 'picture'; readonly camera: string; readonly request: number } & PictureWish);

export interface PictureWish {
  /** 1 … 100 */
  readonly quality: number;
  /** Longest side, pixels: a larger picture is scaled down. */
  readonly most?: number;
  /** Of the JPEG, which is made worse and then smaller until it fits. */
  readonly mostBytes?: number;
  readonly annotations?: Annotations;
  /** Of a frame whose detections came just now; the newest frame when it is gone, or when left out. */
  readonly sequence?: number;
}

/** Process to node. */
export type FromVision =
  | { readonly type: 'hello' }
  /** Twice a second, also without frames: the process is not stuck. */
  | { readonly type: 'alive'; readonly cameras: Readonly<Record<string, CameraPulse>> }
  | ({ readonly type: 'detections' } & FrameDetections)
  | PictureReply
  /** Looks from now on. */
  | ({ readonly type: 'model'; readonly camera: string } & ModelFacts)
  /** The one that looked goes on. @param bundle digest of what was to serve. */
  | {
      readonly type: 'model-refused';
      readonly camera: string;
      readonly bundle: string;
      readonly code: string;
      readonly detail: string;
    }
  /** The model of a bundle failed at a frame. */
  | { readonly type: 'missed'; readonly camera: string; readonly detail: string }
  | ({ readonly type: 'rate'; readonly camera: string } & RateTold)
  /** Whole persons are hidden instead of faces; null: faces alone again. */
  | { readonly type: 'faces'; readonly camera: string; readonly trouble: FacesTrouble | null }
  /** A loop began anew, or the end was reached for good. */
  | { readonly type: 'ended'; readonly camera: string }
  | { readonly type: 'fault'; readonly camera: string; readonly code: string; readonly detail: string }
  | { readonly type: 'log'; readonly line: Readonly<Record<string, unknown>> };

/** The JPEG follows as the message's bytes; with a problem there is none. */
export interface PictureReply {
  readonly type: 'picture';
  readonly request: number;
  readonly sequence: number;
  readonly capturedAt: Millis;
  readonly width: number;
  readonly height: number;
  readonly problem?: string;
}

/** The model that looks at a camera's frames. */
export interface ModelFacts {
  readonly identity: ModelIdentity;
  /** Score from which a detection counts, of its manifest. */
  readonly threshold: number;
  readonly backend: string;
  /** Which of its files runs: by its precision, or a name of its own. */
  readonly variant: string;
  /** Digest of the bundle that it came with; left out for files of the configuration. */
  readonly bundle?: string;
}
