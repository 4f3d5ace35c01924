/** Made-up persons before a made-up camera. */

import type { z } from 'zod';
import { type DetectionConfig, detectionConfig } from '../../../runtime/config/schema/zones.ts';
import type { Box } from '../../../runtime/core/geometry.ts';
import type { DetectionEvent, ModelIdentity, Stamp } from '../../../runtime/core/messages.ts';
import { epochMillis, millis } from '../../../runtime/core/units.ts';
import type { Look, Observation } from '../../../runtime/pipeline/detection/observation.ts';
import { Scene } from '../../../runtime/pipeline/detection/scene.ts';
import { validateEvent } from '../../contract/asyncapi.ts';

export const MODEL: ModelIdentity = { name: 'made-up', version: '1.0.0', digest: `sha256:${'0'.repeat(64)}` };
export const THRESHOLD = 0.5;

export const configOf = (input: z.input<typeof detectionConfig> = {}): DetectionConfig =>
  detectionConfig.parse(input);

export const sceneOf = (input: z.input<typeof detectionConfig> = {}): Scene => {
  let id = 0;
  return new Scene({ camera: 'yard', config: configOf(input), newId: () => `event-${++id}` });
};

/** A tuesday at noon, UTC. */
export const NOON = Date.UTC(2026, 2, 3, 12);
export const stamp = (ms: number, wall = NOON + ms, synced = true): Stamp => ({
  mono: millis(ms),
  wall: epochMillis(wall),
  timeQuality: synced ? 'synced' : 'unsynced',
});

export const look = (observations: readonly Observation[], model = MODEL): Look => ({
  observations,
  model,
  threshold: THRESHOLD,
});

/** A person whose feet are at x, y. */
export const person = (x: number, y: number, score = 0.9, width = 0.08, height = 0.3): Observation => ({
  label: 'person',
  score,
  box: [x - width / 2, y - height, width, height] satisfies Box,
});

/** Undefined while nothing is to be seen of it. */
export type Mover = (ms: number) => Observation | undefined;

export interface Played {
  readonly events: readonly DetectionEvent[];
  /** Numbers of the confirmed tracks, as they were seen. */
  readonly tracks: ReadonlySet<number>;
  readonly looks: readonly { ms: number; seen: number }[];
}

/** Frames until `until`, one each `period` or at the times given; every event is held against the contract. */
export function play(
  scene: Scene,
  movers: readonly Mover[],
  until: number,
  times: number | readonly number[] = 100,
): Played {
  const moments =
    typeof times === 'number'
      ? Array.from({ length: Math.floor(until / times) + 1 }, (_, i) => i * times)
      : times;
  const events: DetectionEvent[] = [];
  const tracks = new Set<number>();
  const looks = moments.map((ms) => {
    const observations = movers.flatMap((mover) => mover(ms) ?? []);
    const step = scene.step(look(observations), stamp(ms));
    events.push(...step.events);
    const seen = step.tracks.filter(({ state }) => state === 'seen');
    for (const { id } of seen) tracks.add(id);
    return { ms, seen: seen.length };
  });
  checkEvents(events);
  return { events, tracks, looks };
}

/** Every event is valid, starts once, ends at most once, and says nothing before its start or after its end. */
export function checkEvents(events: readonly DetectionEvent[], finished = false): void {
  const open = new Set<string>();
  const over = new Set<string>();
  for (const event of events) {
    const problems = validateEvent(event);
    if (problems.length > 0) throw new Error(problems.join('\n'));
    const { id, phase } = event;
    const right = phase === 'start' || phase === 'once' ? !open.has(id) && !over.has(id) : open.has(id);
    if (!right) throw new Error(`${phase} of ${id} at the wrong moment`);
    if (phase === 'start') open.add(id);
    if (phase === 'end' || phase === 'once') {
      open.delete(id);
      over.add(id);
    }
  }
  if (finished && open.size > 0) throw new Error(`no end of ${[...open].join(', ')}`);
}

export const phases = (events: readonly DetectionEvent[]): string[] =>
  events.map(({ phase, zone, reason }) => [phase, zone, reason].filter(Boolean).join(' '));
