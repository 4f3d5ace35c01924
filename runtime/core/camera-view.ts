/** A camera as the live view shows it. What answers may be a vision process, or made up in tests. */

import type { Health } from './component.ts';
import type { Box } from './geometry.ts';
import type { DetectionEvent, Stamp } from './messages.ts';
import type { EpochMillis, Millis } from './units.ts';

export interface ViewWish {
  /** Longest side, pixels: larger pictures are scaled down. */
  readonly most: number;
  /** 1 … 100, what is tried first. */
  readonly quality: number;
  /** Of the JPEG, which is made worse and then smaller until it fits. */
  readonly mostBytes: number;
  /** With boxes, labels, zones and timing drawn on it. Privacy holds either way. */
  readonly annotated: boolean;
}

export interface ViewPicture {
  readonly jpeg: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** Rises with each captured frame: the same one is no new picture. */
  readonly sequence: number;
  readonly capturedAt: Millis;
}

/** An object under observation. */
export interface ViewTrack {
  readonly id: number;
  readonly label: string;
  /** 0 … 1 */
  readonly score: number;
  /** Shares of the picture. */
  readonly box: Box;
  /** new: not confirmed yet. seen: found on the last look. lost: expected to come back. */
  readonly state: 'new' | 'seen' | 'lost';
  /** Names of the zones in which it is an open intrusion. */
  readonly intrudes: readonly string[];
}

/** What was made of one frame. */
export interface ViewScene {
  readonly sequence: number;
  readonly capturedAt: Millis;
  readonly tracks: readonly ViewTrack[];
  /** Where the frame's time went, milliseconds by name of the step: `hand-over`, `detect` … */
  readonly timing: Readonly<Record<string, number>>;
}

/** What a camera tells those who follow it. */
export interface ViewFollower {
  scene(scene: ViewScene): void;
  event(event: DetectionEvent, stamp: Stamp): void;
  /** Its zones are others from now on. */
  configured?(): void;
  /** There is a picture of the event, or a better one than before. */
  pictured?(event: string, picture: number): void;
}

/** The last phase of an event. */
export interface ViewEvent {
  readonly event: DetectionEvent;
  readonly stamp: Stamp;
  /** Rises with each better picture that is kept of it; 0 while there is none. */
  readonly picture: number;
}

/** A picture that an earlier start of the node left; what it knew of the event it told the broker. */
export interface EarlierPicture {
  /** Id of the event. */
  readonly event: string;
  readonly at: EpochMillis;
}

export interface CameraView {
  readonly name: string;
  health(): Health;
  /** Of the newest frame. Nothing is encoded unless this is called. @throws (rejects) DeviceError `no-picture`, retryable. */
  picture(wish: ViewWish): Promise<ViewPicture>;
  /** The best picture of an event, JPEG. @param event id, foreign text. @returns undefined where there is none. */
  kept(event: string): Promise<Uint8Array | undefined>;
  /** Names of the watched zones, in their order. */
  zones(): readonly string[];
  /** Open intrusions, oldest first. */
  openEvents(): readonly { readonly event: DetectionEvent; readonly stamp: Stamp }[];
  /** The last ones of this start of the node, open and over, oldest first. */
  recentEvents(): readonly ViewEvent[];
  /** Newest first. */
  earlierPictures(): readonly EarlierPicture[];
  /** @returns what ends it. */
  follow(follower: ViewFollower): () => void;
}
