/** The way to the broker. */

import { z } from 'zod';
import { described, duration, secretFile } from './common.ts';

export const mqttConfig = z
  .strictObject({
    url: described(
      z
        .string()
        .regex(
          /^(mqtts?|wss?):\/\/[^\s/@]+(\/[^\s@]*)?$/,
          'expected mqtt://, mqtts://, ws:// or wss:// with host and port, and no password: use passwordFile',
        ),
      'Broker, such as mqtts://broker.example:8883.',
    ),
    version: described(
      z.union([z.literal(5), z.literal(4)]).default(5),
      'Protocol: 5 is MQTT 5, 4 is MQTT 3.1.1 for older brokers.',
    ),
    clientId: described(z.string().max(64).optional(), '`vigie-<site>-<node>` when absent.'),
    username: described(z.string().max(256).optional(), 'User name.'),
    passwordFile: described(secretFile.optional(), 'File or credential with the password.'),
    tls: described(
      z
        .strictObject({
          caFile: described(
            z.string().optional(),
            'Certificate authorities (PEM); the system ones when absent.',
          ),
          certFile: described(z.string().optional(), 'Client certificate (PEM).'),
          keyFile: described(secretFile.optional(), 'Key of the client certificate (PEM).'),
          serverName: described(
            z.string().optional(),
            'Name expected in the server certificate; the host of the url when absent.',
          ),
        })
        .optional(),
      'Certificates; the server is always verified.',
    ),
    keepAlive: described(duration('5s', '1h').prefault('30s'), 'Silence after which the broker is pinged.'),
    sessionExpiry: described(
      duration('0ms', '30d').prefault('1h'),
      'How long the broker keeps commands for a node that is away.',
    ),
    reconnect: described(
      z
        .strictObject({
          min: described(duration('100ms', '1h').prefault('1s'), 'First pause before connecting again.'),
          max: described(
            duration('100ms', '1d').prefault('1min'),
            'Longest pause; each is drawn at random below the doubled last one.',
          ),
        })
        .prefault({}),
      'Pauses between attempts.',
    ),
    inflight: described(
      z.number().int().min(1).max(1000).default(20),
      "Records on their way without the broker's acknowledgement.",
    ),
    drainPerSecond: described(
      z.number().int().min(1).max(100_000).default(500),
      'Stored records sent per second after an outage, so that the backlog leaves room for live events.',
    ),
    homeAssistant: described(
      z
        .strictObject({
          prefix: described(
            z
              .string()
              .min(1)
              .max(64)
              .regex(/^[^+#]+$/)
              .default('homeassistant'),
            'Prefix of discovery topics, as set in Home Assistant.',
          ),
        })
        .optional(),
      'Tell Home Assistant of the cameras by MQTT discovery: occupancy of each zone, and the last picture where `snapshots.mqtt` is on.',
    ),
    sparkplug: described(
      z
        .strictObject({
          groupId: described(
            z
              .string()
              .min(1)
              .max(64)
              .regex(/^[^/+#]+$/),
            'Sparkplug group id.',
          ),
        })
        .optional(),
      'Publish readings as Sparkplug B too (spBv1.0/<group>/…).',
    ),
  })
  .superRefine((mqtt, context) => {
    if (mqtt.passwordFile && !mqtt.username)
      context.addIssue({ code: 'custom', path: ['username'], message: 'passwordFile needs a username' });
    if (mqtt.tls && !/^(mqtts|wss):/.test(mqtt.url))
      context.addIssue({ code: 'custom', path: ['tls'], message: 'tls needs an mqtts:// or wss:// url' });
    if (mqtt.tls && !mqtt.tls.certFile !== !mqtt.tls.keyFile)
      context.addIssue({ code: 'custom', path: ['tls'], message: 'certFile and keyFile go together' });
  });

export type MqttConfig = z.output<typeof mqttConfig>;
