/** A metric that keeps nothing: its series are read from where they live when somebody scrapes. */

import type { Metric } from 'prom-client';
import type { Registry } from '../../core/prometheus.ts';

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface View {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter';
  values(): readonly Series[];
}

/**
 * prom-client's own gauges keep an object per series for good, and a key string built from the labels;
 * with ten thousand tags that is memory the node needs elsewhere.
 */
export function registerView(registry: Registry, view: View): void {
  const metric = {
    name: view.name,
    help: view.help,
    type: view.type,
    aggregator: 'first',
    get: async () => ({
      name: view.name,
      help: view.help,
      type: view.type,
      values: view.values(),
      aggregator: 'first',
    }),
    reset: () => {},
  };
  registry.registerMetric(metric as unknown as Metric);
}
