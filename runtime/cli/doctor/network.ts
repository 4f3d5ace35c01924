/** Looks at the broker, as the node would connect to it, and at the dashboard's address. */

import { kernelProbe } from '../../addon/clock-probe.ts';
import type { HttpConfig } from '../../config/schema/http.ts';
import type { MqttConfig } from '../../config/schema/mqtt.ts';
import type { Config } from '../../config/schema/root.ts';
import { readSecret } from '../../config/secret.ts';
import { SystemClock } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import { isLoopback } from '../../core/loopback.ts';
import { connectOptions, openerFor } from '../../sinks/mqtt/connection.ts';
import { failureOf } from '../../sinks/mqtt/failure.ts';
import { type Finding, failure, ok, warning } from './finding.ts';
import { reach } from './plant.ts';

export async function broker(config: Config): Promise<Finding> {
  const { mqtt, node } = config;
  if (!mqtt)
    return warning('broker', 'none configured: records stay in the outbox', 'add mqtt: { url: mqtts://… }');
  // A client id of its own: the node's would throw a running node off the broker.
  const clientId = `vigie-doctor-${node.site}-${node.name}`.slice(0, 60);
  try {
    await connectOnce(mqtt, clientId);
    return ok('broker', `${mqtt.url} lets the node in (MQTT ${mqtt.version === 5 ? '5' : '3.1.1'})`);
  } catch (error) {
    const { url, version, username } = mqtt;
    const now = new SystemClock(kernelProbe).stamp();
    const { detail } = failureOf(error, { url, clientId, version, username, now });
    return failure('broker', 'no connection', detail);
  }
}

async function connectOnce(mqtt: MqttConfig, clientId: string): Promise<void> {
  const { MqttClient } = await import('mqtt');
  const open = await openerFor(mqtt, readSecret);
  const will = { topic: `vigie/doctor/${clientId}`, payload: '', retain: false };
  const client = new MqttClient(open, connectOptions(mqtt, { clientId, clean: true, will }, readSecret));
  try {
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
      client.once('close', () => reject(new RangeError('closed before the broker answered')));
    });
  } finally {
    // Once connected an orderly end keeps the will unsent.
    await client.endAsync(!client.connected).catch(() => {});
  }
}

export async function dashboard(http: HttpConfig): Promise<Finding> {
  if (!http.enabled) return ok('dashboard', 'switched off');
  const where = `http://${http.host}:${http.port}`;
  const secret = unreadable(http);
  if (secret)
    return failure('dashboard', secret, 'write the password to that file, readable by the service alone');
  const taken = (await reach(isLoopback(http.host) ? http.host : '127.0.0.1', http.port)) === undefined;
  if (!taken) return ok('dashboard', `${where} is free`);
  return warning(
    'dashboard',
    `something answers at ${where}`,
    'fine when it is this node; otherwise choose another http.port',
  );
}

function unreadable(http: HttpConfig): string | undefined {
  if (http.passwordFile === undefined) return undefined;
  try {
    readSecret(http.passwordFile);
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}
