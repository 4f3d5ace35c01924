/** What the measured node is asked to do, and what it answers: plain data between two processes. */

export interface NodeJob {
  /** Of 1280 × 720 NV12, all in one vision process. */
  readonly cameras: number;
  /** Of each camera. */
  readonly fps: number;
  /** Of the detection model, and the backend that must have been chosen. */
  readonly manifest: string;
  readonly backend: string;
  /** A JPEG with persons on it. */
  readonly picture: string;
  /** How soon an event that goes on is reported again, seconds. */
  readonly updateEvery: number;
  /** URL of the broker. */
  readonly broker: string;
  /** For what the node writes. */
  readonly folder: string;
  /** How long to measure, after a while in which nothing counts. */
  readonly seconds: number;
}

/** Milliseconds. */
export interface Spread {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
}

export interface NodeMeasured {
  readonly seconds: number;
  /** Frames that went all the way. */
  readonly frames: number;
  /** From capture until the frame was handed to the model. */
  readonly handOver: Spread;
  /** Pre-processing, inference, decoding. */
  readonly detect: Spread;
  /** From what was found to the node, through the socket. */
  readonly toNode: Spread;
  /** Filters, tracks, zones, events. */
  readonly scene: Spread;
  /** From capture until its events were handed to the outbox. */
  readonly toEvent: Spread;
  readonly events: number;
  /** From capture to the broker's PUBACK. */
  readonly toPuback: Spread;
  /** From the outbox's taking an event to its PUBACK, mean. */
  readonly publishMean: number;
  /** How much longer frames took from capture to event at the end than at the beginning, milliseconds. */
  readonly delayGrowth: number;
  readonly captured: number;
  /** Overwritten by a newer frame before the model was free. */
  readonly skipped: number;
  /** Results that the vision process could not get rid of. */
  readonly dropped: number;
  /** Resident memory of the vision process: the most, and what it grew by in the last half, MB. */
  readonly visionRssMb: number;
  readonly visionRssGrowthMb: number;
  /** Of both processes, in percent of one core. */
  readonly visionCpuPercent: number;
  readonly nodeCpuPercent: number;
}
