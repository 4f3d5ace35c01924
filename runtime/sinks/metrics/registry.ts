/** The node's one Prometheus registry, with what every Node.js service shows under the standard names. */

import { Gauge, Registry } from '../../core/prometheus.ts';
import { registerProcessMetrics } from './process-metrics.ts';

export interface RegistryOptions {
  readonly site: string;
  readonly node: string;
  readonly version: string;
  readonly device: DeviceLabels;
}

export interface DeviceLabels {
  /** Name of the device profile. */
  readonly profile: string;
  /** What the machine calls itself. */
  readonly board: string;
}

/** Stages add their own metrics to it: see `metrics.ts` in their folders. */
export function createRegistry({ site, node, version, device }: RegistryOptions): Registry {
  const registry = new Registry();
  new Gauge({
    name: 'vigie_build_info',
    help: 'Always 1; the labels say which node this is and what it runs.',
    labelNames: ['site', 'node', 'version', 'nodejs_version'],
    registers: [registry],
  })
    .labels(site, node, version, process.version)
    .set(1);
  new Gauge({
    name: 'vigie_device_info',
    help: 'Always 1; the labels say which board this is and which device profile it runs under.',
    labelNames: ['profile', 'board'],
    registers: [registry],
  })
    .labels(device.profile, device.board)
    .set(1);
  registerProcessMetrics(registry);
  return registry;
}
