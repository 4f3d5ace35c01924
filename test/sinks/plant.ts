/** A small plant for the tests of what shows it: tags in stages, a status with something wrong, an anomaly. */

import type { Clock } from '../../runtime/core/clock.ts';
import type { AnomalyEvent, EpisodePhase, Stamp, Tag } from '../../runtime/core/messages.ts';
import { type ModelStatus, NO_MODEL, type NodeStatus } from '../../runtime/core/status.ts';
import { epochMillis, type Millis, millis, minutes, seconds } from '../../runtime/core/units.ts';

const STAGES = [
  'pretreatment',
  'primary',
  'biological',
  'secondary',
  'tertiary',
  'disinfection',
  'sludge',
  'outlet',
];
const KINDS = [
  { kind: 'ph', unit: '[pH]' },
  { kind: 'flow', unit: 'm3/h' },
  { kind: 'dissolved-oxygen', unit: 'mg/L' },
  { kind: 'temperature', unit: 'Cel' },
  { kind: 'turbidity', unit: '[NTU]' },
  { kind: 'pump-state', unit: '' },
];

export class FakeClock implements Clock {
  #mono = 1_000_000;
  #wall = Date.UTC(2026, 4, 1, 8, 0, 0);

  advance(by: Millis): void {
    this.#mono += by;
    this.#wall += by;
  }
  mono = () => millis(this.#mono);
  wall = () => epochMillis(this.#wall);
  timeQuality = () => 'synced' as const;
  stamp = (): Stamp => ({ mono: this.mono(), wall: this.wall(), timeQuality: 'synced' });
}

export function plantTags(count: number): Tag[] {
  return Array.from({ length: count }, (_, index) => {
    const group = STAGES[Math.floor((index * STAGES.length) / count)]!;
    const { kind, unit } = KINDS[index % KINDS.length]!;
    return {
      name: `${group}.${kind}.${index}`,
      index,
      source: 'modbus-plant',
      group,
      kind,
      unit,
      period: millis(1000),
      deadband: 0,
    };
  });
}

export function nodeStatus(): NodeStatus {
  const ok = { state: 'ok', detail: '' } as const;
  return {
    site: 'lyon',
    node: 'pi-1',
    version: '0.1.0',
    bootId: '0b1c2d3e',
    uptime: millis(3_600_000),
    timeQuality: 'unsynced',
    health: { state: 'degraded', detail: 'modbus-plant: unit 7 does not answer' },
    components: {
      'modbus-plant': {
        state: 'degraded',
        detail: 'unit 7 does not answer; next probe in 30 s',
        parts: { 'unit 1': ok, 'unit 7': { state: 'failed', detail: 'timeout after 500 ms, 12 times' } },
      },
      mqtt: { state: 'degraded', detail: 'broker mqtt://10.0.0.2 refuses the connection; retry in 8 s' },
      outbox: ok,
    },
    outbox: {
      records: 1234,
      bytes: 456_789,
      byClass: { event: 3, health: 11, reading: 1220, picture: 0 },
      evicted: 42,
    },
    baselines: {
      biological: { state: 'ready', progress: 1, detail: '' },
      outlet: { state: 'learning', progress: 0.4, detail: '36 min of 1.5 h seen' },
    },
    models: {},
    config: {
      state: 'last-known-good',
      problems: ['vigie.yaml:12:5: unknown key perod; did you mean period?'],
    },
  };
}

/** One that serves, one on trial, one without a release. */
export const MODELS: Readonly<Record<string, ModelStatus>> = {
  'pump-score': {
    ...NO_MODEL,
    ...{ state: 'serving', release: 3, version: '1.0.3', digest: 'ab'.repeat(32), backend: 'onnxruntime' },
    refused: { release: 4, reason: 'P95 of latency is 93.0 ms; at most 20 ms were granted' },
    next: { release: 5, step: 'fetch' },
  },
  'gate-camera': {
    ...NO_MODEL,
    ...{ state: 'trial', release: 12, version: '2.1.0', digest: 'cd'.repeat(32), backend: 'xnnpack' },
    trial: {
      ...{ release: 12, attemptsLeft: 2, inferences: 120, minInferences: 20 },
      elapsed: seconds(45),
      window: minutes(3),
    },
  },
  yard: { ...NO_MODEL, detail: 'no release of it was installed yet' },
};

export function anomaly(
  id: string,
  phase: EpisodePhase = 'start',
  more: Partial<AnomalyEvent> = {},
): AnomalyEvent {
  return {
    schema: 'vigie.anomaly/1',
    id,
    phase,
    group: 'biological',
    durationMs: 65_000,
    score: 2.4,
    peak: 3.1,
    detector: 'mewma',
    scores: { mewma: 2.4, iforest: 1.2, range: 0 },
    faultKind: 'process-upset',
    contributions: [
      {
        tag: 'biological.dissolved-oxygen.44',
        kind: 'dissolved-oxygen',
        unit: 'mg/L',
        value: 0.4,
        normal: { low: 1.8, high: 2.6 },
        direction: 'low',
        share: 0.62,
      },
      {
        tag: 'biological.flow.37',
        kind: 'flow',
        unit: 'm3/h',
        value: 912.25,
        normal: { low: 380, high: 640 },
        direction: 'high',
        share: 0.21,
      },
      {
        tag: 'biological.ph.36',
        kind: 'ph',
        unit: '[pH]',
        value: null,
        normal: { low: 6.8, high: 7.4 },
        direction: 'missing',
        share: 0.06,
      },
    ],
    summary: 'Dissolved oxygen fell to 0.4 mg/L while flow rose: the load exceeds the aeration.',
    ...more,
  };
}
