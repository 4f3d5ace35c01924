/** How one attempt reaches the broker: the byte stream under MQTT, and the CONNECT packet's contents. */

import { readFileSync } from 'node:fs';
import { connect as connectTcp, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import type { IClientOptions, MqttClient } from 'mqtt';
import type { MqttConfig } from '../../config/schema/mqtt.ts';
import { InputError } from '../../core/errors.ts';
import { limitIncoming } from './incoming-limit.ts';

export type ReadSecret = (reference: string) => string;
export type OpenStream = (client: MqttClient) => Duplex;

export interface Will {
  readonly topic: string;
  readonly payload: string | Buffer;
  readonly retain: boolean;
}

export interface SessionOptions {
  readonly clientId: string;
  /** True: the broker forgets everything about this client when it goes. */
  readonly clean: boolean;
  readonly will: Will;
}

/** Enough for any command: no message fills the node's memory. A broker of MQTT 5 drops what is larger. */
const MAX_INCOMING_BYTES = 1 << 20;
const CONNECT_TIMEOUT_MS = 15_000;
const DEFAULT_PORTS: Record<string, number> = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 };

/**
 * Reads certificates and keys anew, so that rotated ones count at the next attempt.
 * @throws InputError `mqtt-certificate` when a file cannot be read, or what `readSecret` throws.
 */
export async function openerFor(config: MqttConfig, readSecret: ReadSecret): Promise<OpenStream> {
  const open = await unlimitedOpenerFor(config, readSecret);
  return (client) => limitIncoming(open(client), MAX_INCOMING_BYTES);
}

async function unlimitedOpenerFor(config: MqttConfig, readSecret: ReadSecret): Promise<OpenStream> {
  const url = new URL(config.url);
  const protocol = url.protocol.slice(0, -1);
  const hostname = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || DEFAULT_PORTS[protocol]!;
  if (protocol === 'mqtt') return () => connectTcp({ host: hostname, port, noDelay: true });
  const tls = protocol === 'ws' ? {} : tlsOptions(config, hostname, readSecret);
  if (protocol === 'mqtts') {
    const { connect: connectTls } = await import('node:tls');
    return () => connectTls({ ...tls, host: hostname, port }).setNoDelay(true);
  }
  // Only here: WebSocket support costs several megabytes that most nodes never need.
  const { streamBuilder } = await import('mqtt/lib/connect/ws');
  const path = url.pathname + url.search;
  return (client) =>
    streamBuilder(client, {
      ...client.options,
      protocol: protocol as 'ws',
      hostname,
      port,
      path,
      wsOptions: tls,
    });
}

function tlsOptions(config: MqttConfig, hostname: string, readSecret: ReadSecret): ConnectionOptions {
  const { tls = {} } = config;
  const servername = tls.serverName ?? (isIP(hostname) ? undefined : hostname);
  return {
    rejectUnauthorized: true,
    ...(servername !== undefined && { servername }),
    ...(tls.caFile !== undefined && { ca: readPem(tls.caFile, 'caFile') }),
    ...(tls.certFile !== undefined && { cert: readPem(tls.certFile, 'certFile') }),
    ...(tls.keyFile !== undefined && { key: readSecret(tls.keyFile) }),
  };
}

function readPem(path: string, key: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new InputError('mqtt-certificate', `cannot read mqtt.tls.${key} ${path}`, {
      cause,
      facts: { path },
    });
  }
}

/** @throws what `readSecret` throws. */
export function connectOptions(
  config: MqttConfig,
  session: SessionOptions,
  readSecret: ReadSecret,
): IClientOptions {
  const { clientId, clean, will } = session;
  return {
    clientId,
    clean,
    protocolVersion: config.version,
    keepalive: Math.round(config.keepAlive / 1000),
    connectTimeout: CONNECT_TIMEOUT_MS,
    // One client per attempt: pauses, fresh credentials and what is sent again are decided here, not in there.
    reconnectPeriod: 0,
    resubscribe: false,
    // The library would keep 65,536 encoded numbers: 12 MB.
    writeCache: false,
    ...(config.username !== undefined && { username: config.username }),
    ...(config.passwordFile !== undefined && { password: readSecret(config.passwordFile) }),
    ...(config.version === 5 && {
      properties: {
        sessionExpiryInterval: clean ? 0 : Math.round(config.sessionExpiry / 1000),
        maximumPacketSize: MAX_INCOMING_BYTES,
      },
    }),
    will: { topic: will.topic, payload: will.payload as Buffer, qos: 1, retain: will.retain },
  };
}
