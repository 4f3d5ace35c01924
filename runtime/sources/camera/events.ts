/** What was done about a camera, for the outbox: topic `events/camera`. */

import type { HealingReason, Rung } from './ladder.ts';
import type { MemoryTrouble } from './memory-watch.ts';
import type { RateTold } from './messages.ts';

export type CameraStep = Rung | 'recovered' | 'ended' | 'rate' | 'privacy';
export type CameraReason =
  | HealingReason
  | MemoryTrouble['reason']
  | 'process-hung'
  | 'model-hung'
  | 'process-exited'
  | 'healed'
  | 'file-end'
  | RateTold['cause']
  | 'faces-missing'
  | 'faces-late';

export interface CameraEvent extends Readonly<Record<string, unknown>> {
  readonly schema: 'vigie.camera/1';
  readonly camera: string;
  readonly step: CameraStep;
  readonly reason: CameraReason;
  /** For a person. */
  readonly detail: string;
  /** Steps since the camera was last well. */
  readonly attempt: number;
}
