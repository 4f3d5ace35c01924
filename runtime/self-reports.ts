/** What the node tells programs of its own machine, whether or not it serves a page: `vigie system`, `vigie diag`. */

import type { Command } from './core/commands.ts';
import type { Registry } from './core/prometheus.ts';
import type { NodeStatus } from './core/status.ts';

export function selfReports(status: () => NodeStatus, registry: Registry): Command[] {
  return [
    {
      name: 'node-status',
      description: 'What the node says of itself: health by component, outbox, configuration',
      run: async () => ({ ...status() }),
    },
    {
      name: 'node-metrics',
      description: 'All metrics, as Prometheus reads them',
      run: async () => ({ text: await registry.metrics() }),
    },
  ];
}
