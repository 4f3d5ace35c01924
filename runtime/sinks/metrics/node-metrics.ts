/** What the node says of itself (NodeStatus) as gauges; taken once per scrape. */

import type { HealthState } from '../../core/component.ts';
import { Gauge, type Registry } from '../../core/prometheus.ts';
import type { NodeStatus } from '../../core/status.ts';

const HEALTH_STATES: readonly HealthState[] = ['starting', 'ok', 'degraded', 'failed', 'stopped'];
const CONFIG_STATES: readonly NodeStatus['config']['state'][] = ['ok', 'last-known-good', 'quarantine'];

export interface NodeMetricsOptions {
  readonly registry: Registry;
  readonly status: () => NodeStatus;
}

export function registerNodeMetrics({ registry, status }: NodeMetricsOptions): void {
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  new Gauge({
    name: 'vigie_uptime_seconds',
    help: 'Time since the node was started.',
    registers: [registry],
    // Collected in the order of registration: this one comes first and sets the others from the same status.
    collect() {
      const now = status();
      this.set(now.uptime / 1000);
      clock.set(now.timeQuality === 'synced' ? 1 : 0);
      problems.set(now.config.problems.length);
      for (const state of CONFIG_STATES) config.set({ state }, now.config.state === state ? 1 : 0);
      setComponents(now, component, parts);
    },
  });
  const component = gauge(
    'vigie_component_state',
    '1 for the state a component is in, 0 for the others.',
    'component',
    'state',
  );
  const parts = gauge(
    'vigie_component_parts',
    'Parts of a component (such as units of a bus) by state.',
    'component',
    'state',
  );
  const clock = gauge('vigie_clock_synced', '1 when the wall clock is synchronised, 0 when it may be wrong.');
  const config = gauge(
    'vigie_config_state',
    '1 for the state of the configuration, 0 for the others.',
    'state',
  );
  const problems = gauge('vigie_config_problems', 'Problems found in the configuration file.');
}

function setComponents(status: NodeStatus, component: Gauge, parts: Gauge): void {
  component.reset();
  parts.reset();
  for (const [name, health] of Object.entries(status.components)) {
    for (const state of HEALTH_STATES) {
      component.set({ component: name, state }, health.state === state ? 1 : 0);
      if (!health.parts) continue;
      const count = Object.values(health.parts).filter((part) => part.state === state).length;
      parts.set({ component: name, state }, count);
    }
  }
}
