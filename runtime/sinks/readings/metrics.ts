/** What becomes of samples on their way into records. */

import { Counter, type Registry } from '../../core/prometheus.ts';

export interface ReadingsMetrics {
  readonly published: Counter.Internal;
  readonly suppressed: Counter.Internal;
  readonly lost: Counter.Internal;
}

export function readingsMetrics(registry: Registry): ReadingsMetrics {
  const samples = new Counter({
    name: 'vigie_readings_samples_total',
    help: 'Samples by what became of them: published, suppressed by the deadband, lost because the outbox refused.',
    labelNames: ['outcome'],
    registers: [registry],
  });
  return {
    published: samples.labels('published'),
    suppressed: samples.labels('suppressed'),
    lost: samples.labels('lost'),
  };
}
