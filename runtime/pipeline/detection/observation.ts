/** What goes into and comes out of a camera's scene. All boxes and points are in normalised coordinates (core/geometry.ts). */

import type { ViewTrack } from '../../core/camera-view.ts';
import type { Box } from '../../core/geometry.ts';
import type { DetectionEvent, ModelIdentity } from '../../core/messages.ts';

/** A detection as the tracker takes it. */
export interface Observation {
  readonly label: string;
  /** 0 … 1, on the scale of the model. */
  readonly score: number;
  readonly box: Box;
}

/** What a model found on one frame. */
export interface Look {
  readonly observations: readonly Observation[];
  readonly model: ModelIdentity;
  /** Score from which the model's maker calls a detection right (`thresholds.score` of the manifest). */
  readonly threshold: number;
}

/** The frame of this step is the best so far of an event: encode it now and answer with `Scene.keepSnapshot`. */
export interface SnapshotWish {
  /** Id of the event. */
  readonly event: string;
  readonly box: Box;
  /** score × √area; higher is better. */
  readonly quality: number;
}

export interface SceneStep {
  /** Lost ones included. */
  readonly tracks: readonly ViewTrack[];
  /** In the order they happened. */
  readonly events: readonly DetectionEvent[];
  readonly snapshots: readonly SnapshotWish[];
}
