/** The demo node's configuration: a normal one, but for times short enough to watch. */

import { plantSourcesConfig } from '../modbus/sources-config.ts';

export interface DemoConfigOptions {
  readonly modbusPort: number;
  readonly httpPort: number;
  readonly broker: string;
  /** The embedded broker speaks MQTT 3.1.1 only. */
  readonly embedded: boolean;
}

export function demoConfig({
  modbusPort,
  httpPort,
  broker,
  embedded,
}: DemoConfigOptions): Record<string, unknown> {
  return {
    node: { site: 'demo', name: 'plant' },
    log: { level: 'info' },
    sources: plantSourcesConfig({ port: modbusPort, period: '1s' }),
    anomaly: {
      baseline: { learn: '60s', minRows: 30 },
      alarm: { delayOn: '5s', delayOff: '15s', minDuration: '10s' },
    },
    outbox: { readings: { batch: '5s' } },
    mqtt: { url: broker, ...(embedded ? { version: 4 } : {}) },
    http: { port: httpPort },
  };
}
