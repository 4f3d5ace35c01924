/** vigie.yaml as a whole: the one place types, defaults, bounds, documentation and restart flags come from. */

import { z } from 'zod';
import { anomalyConfig } from './anomaly.ts';
import { cameraConfig } from './camera.ts';
import { described, name } from './common.ts';
import { deviceConfig } from './device.ts';
import { httpConfig } from './http.ts';
import { modbusSource } from './modbus.ts';
import { mqttConfig } from './mqtt.ts';
import { otaConfig } from './ota.ts';
import { outboxConfig } from './outbox.ts';
import { replaySource } from './replay.ts';
import { serialSource } from './serial.ts';
import { snapshotsConfig } from './snapshots.ts';

export const sourceConfig = z.discriminatedUnion('type', [modbusSource, serialSource, replaySource]);

const needsRestart = <T extends z.ZodType>(schema: T): T => schema.meta({ ...schema.meta(), restart: true });

export const rootConfig = z.strictObject({
  node: needsRestart(
    described(
      z.strictObject({
        site: described(name, 'Site, second level of every topic: vigie/<site>/<node>/…'),
        name: described(
          name.refine(
            (text) => text !== 'ota',
            "'vigie/<site>/ota' is the topic of updates: name the node otherwise",
          ),
          'This node, third level of every topic.',
        ),
      }),
      'Who this node is.',
    ),
  ),
  log: described(
    z
      .strictObject({
        level: described(
          z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
          'Least severe level that is logged.',
        ),
      })
      .prefault({}),
    'Logging: JSON lines on standard output.',
  ),
  device: needsRestart(
    described(deviceConfig.prefault({}), 'The board this node runs on: docs/device-profiles.md.'),
  ),
  sources: described(
    z.array(sourceConfig).max(1000).default([]),
    'What is read: Modbus buses, serial sensors, recordings.',
  ),
  cameras: described(z.array(cameraConfig).max(64).default([]), 'Cameras, each watched by a model.'),
  snapshots: needsRestart(
    described(snapshotsConfig.prefault({}), "Pictures of events on the node's disk: docs/detection.md."),
  ),
  anomaly: needsRestart(described(anomalyConfig.prefault({}), 'Anomaly analysis.')),
  outbox: needsRestart(described(outboxConfig.prefault({}), 'The durable queue.')),
  mqtt: needsRestart(described(mqttConfig.optional(), 'The broker; without it records stay in the outbox.')),
  ota: needsRestart(
    described(
      otaConfig.optional(),
      'Signed updates of models and configuration over the broker: docs/ota.md.',
    ),
  ),
  http: needsRestart(described(httpConfig.prefault({}), 'Dashboard, metrics and health.')),
});

export type SourceConfig = z.output<typeof sourceConfig>;
export type Config = z.output<typeof rootConfig>;
