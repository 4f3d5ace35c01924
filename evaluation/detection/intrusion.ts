/** A recording through the node's own scene: which intrusions were found, missed and made up, and how late they were told. */

import type { Frame } from '../../runtime/addon/vision.ts';
import type { DetectionEvent, ModelIdentity, Stamp } from '../../runtime/core/messages.ts';
import { epochMillis, type Millis } from '../../runtime/core/units.ts';
import type { Detection } from '../../runtime/pipeline/detection/detector.ts';
import { normalised } from '../../runtime/pipeline/detection/filters.ts';
import { Scene } from '../../runtime/pipeline/detection/scene.ts';
import type { Expectation, ExpectedEvent } from './expectation.ts';
import type { VideoFrames } from './video-frames.ts';

export interface FoundEvent {
  readonly zone: string;
  readonly kind: string;
  readonly label: string;
  readonly track: number;
  /** In the recording. */
  readonly atMs: number;
  /** After the expected moment; left out for a false one. */
  readonly delayMs?: number;
}

export interface IntrusionEvaluation {
  readonly frames: number;
  /** Frames the model looked at. */
  readonly looks: number;
  readonly seconds: number;
  readonly found: readonly FoundEvent[];
  readonly missed: readonly { readonly zone: string; readonly kind: string; readonly atMs: number }[];
  readonly false: readonly FoundEvent[];
  readonly meanDelayMs: number | null;
  /** Intrusions that go on at the end, by zone, and what was expected where it was said. */
  readonly open: Readonly<Record<string, number>>;
  readonly expectedOpen: Readonly<Record<string, number>>;
  /** Nothing missed, nothing made up, as many open as expected. */
  readonly right: boolean;
  /** Mean of a look, frame to boxes. */
  readonly lookMs: number;
}

export interface IntrusionOptions {
  readonly frames: VideoFrames;
  readonly expectation: Expectation;
  readonly model: ModelIdentity;
  /** `thresholds.score` of the manifest. */
  readonly threshold: number;
  /** Every n-th frame is looked at, as a slow board would. */
  readonly every: number;
  detect(frame: Frame): Promise<readonly Detection[]>;
}

/** An event this much before its expected moment is still that one: people judge by the eye when someone is inside. */
const EARLY = 500;

export async function evaluateIntrusion(options: IntrusionOptions): Promise<IntrusionEvaluation> {
  const { events, frames, looks, end, took, open } = await play(options);
  const { found, missed, wrong } = compare(options.expectation.events, events);
  const expectedOpen = options.expectation.open;
  const asExpected = Object.entries(expectedOpen).every(([zone, count]) => (open[zone] ?? 0) === count);
  return {
    frames,
    looks,
    seconds: rounded(end / 1000),
    found,
    missed,
    false: wrong,
    meanDelayMs: found.length === 0 ? null : rounded(mean(found.map(({ delayMs }) => delayMs ?? 0))),
    open,
    expectedOpen,
    right: missed.length === 0 && wrong.length === 0 && asExpected,
    lookMs: rounded(took / Math.max(looks, 1)),
  };
}

async function play({ frames, expectation, model, threshold, every, detect }: IntrusionOptions) {
  let id = 0;
  const scene = new Scene({
    camera: 'recording',
    config: expectation.detection,
    newId: () => `event-${++id}`,
  });
  const events: { event: DetectionEvent; at: Millis }[] = [];
  const open: Record<string, number> = {};
  let [count, looks, took, end] = [0, 0, 0, 0];
  for await (const { frame, at } of frames) {
    end = at;
    if (count++ % every !== 0) continue;
    looks++;
    const began = performance.now();
    const observations = normalised(await detect(frame), frame.width, frame.height);
    took += performance.now() - began;
    for (const event of scene.step({ observations, model, threshold }, stampOf(at)).events) {
      events.push({ event, at });
      if (event.kind !== 'intrusion') continue;
      const change = { start: 1, end: -1, update: 0, once: 0 }[event.phase];
      open[event.zone] = (open[event.zone] ?? 0) + change;
    }
  }
  return { events, frames: count, looks, end, took, open };
}

/** A recording does not know what day it was: schedules do what they do while the clock is not set. */
const stampOf = (at: Millis): Stamp => ({ mono: at, wall: epochMillis(at), timeQuality: 'unsynced' });

function compare(
  expected: readonly ExpectedEvent[],
  events: readonly { event: DetectionEvent; at: Millis }[],
) {
  const waiting = expected.toSorted((a, b) => a.at - b.at);
  const [found, wrong]: [FoundEvent[], FoundEvent[]] = [[], []];
  for (const { event, at } of events) {
    if (event.phase !== 'start' && event.phase !== 'once') continue;
    const index = waiting.findIndex((one) => fits(one, event, at));
    const { zone, kind, label, track } = event;
    const said = { zone, kind, label, track, atMs: at };
    if (index < 0) wrong.push(said);
    else found.push({ ...said, delayMs: rounded(at - waiting.splice(index, 1)[0]!.at) });
  }
  return { found, missed: waiting.map(({ zone, kind, at }) => ({ zone, kind, atMs: at })), wrong };
}

function fits(expected: ExpectedEvent, event: DetectionEvent, at: Millis): boolean {
  const { zone, kind, label, direction } = expected;
  if (zone !== event.zone || kind !== event.kind || label !== event.label) return false;
  if (direction !== undefined && direction !== event.direction) return false;
  return at >= expected.at - EARLY && at <= expected.at + expected.within;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const rounded = (value: number) => Number(value.toFixed(2));
