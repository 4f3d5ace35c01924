/** Metrics of live pictures. */

import { Counter, Gauge, type Registry } from '../../../core/prometheus.ts';

type Count = { inc(by?: number): void };

export interface CameraPagesMetrics {
  viewers(count: number): void;
  readonly encoded: Count;
  readonly failed: Count;
  readonly skipped: Count;
  readonly sentBytes: Count;
  readonly droppedSlow: Count;
  readonly droppedLimit: Count;
}

export function cameraPagesMetrics(registry: Registry): CameraPagesMetrics {
  const registers = [registry];
  const pictures = new Counter({
    name: 'vigie_live_pictures_total',
    help: 'Live pictures: encoded, failed (the camera gave none), skipped (a viewer was too slow for one).',
    labelNames: ['outcome'],
    registers,
  });
  const dropped = new Counter({
    name: 'vigie_live_viewers_dropped_total',
    help: 'Viewers sent away: stuck for too long, or one too many.',
    labelNames: ['reason'],
    registers,
  });
  const viewers = new Gauge({
    name: 'vigie_live_viewers',
    help: 'Live pictures being sent, over all cameras.',
    registers,
  });
  return {
    viewers: (count) => viewers.set(count),
    encoded: pictures.labels('encoded'),
    failed: pictures.labels('failed'),
    skipped: pictures.labels('skipped'),
    sentBytes: new Counter({
      name: 'vigie_live_bytes_total',
      help: 'Bytes of live pictures sent.',
      registers,
    }),
    droppedSlow: dropped.labels('slow'),
    droppedLimit: dropped.labels('limit'),
  };
}
