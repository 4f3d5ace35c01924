/** The node's one Prometheus registry, with what every Node.js service shows under the standard names. */

import { Gauge, Registry } from '../../core/prometheus.ts';
import { registerProcessMetrics } from './process-metrics.ts';

export interface RegistryOptions {
  readonly site: string;
  readonly node: string;
  readonly version: string;
}

/** Stages add their own metrics to it: see `metrics.ts` in their folders. */
export function createRegistry({ site, node, version }: RegistryOptions): Registry {
  const registry = new Registry();
  new Gauge({
    name: 'vigie_build_info',
    help: 'Always 1; the labels say which node this is and what it runs.',
    labelNames: ['site', 'node', 'version', 'nodejs_version'],
    registers: [registry],
  })
    .labels(site, node, version, process.version)
    .set(1);
  registerProcessMetrics(registry);
  return registry;
}
