/** The broker, as commands of hub and workstation are told of it. */

import { readFileSync } from 'node:fs';
import type { MqttLink } from '../../../ota/protocol/mqtt-link.ts';
import type { OtaTopics } from '../../../ota/protocol/topics.ts';
import { InputError, UsageError } from '../../core/errors.ts';

export const BROKER_OPTIONS = {
  broker: { type: 'string' },
  site: { type: 'string' },
  username: { type: 'string' },
  'password-file': { type: 'string' },
  'ca-file': { type: 'string' },
  'cert-file': { type: 'string' },
  'key-file': { type: 'string' },
} as const;

export const BROKER_HELP = `  --broker URL            mqtt://host or mqtts://host
  --site NAME             as in the nodes' configuration (node.site)
  --username NAME, --password-file FILE, --ca-file FILE, --cert-file FILE, --key-file FILE
                          how to log in there; certificates are PEM`;

export type BrokerValues = { readonly [name in keyof typeof BROKER_OPTIONS]?: string | undefined };

export interface Broker {
  readonly link: MqttLink;
  readonly topics: OtaTopics;
}

/** @throws UsageError; InputError `ota-topic`; DeliveryError `ota-transport` */
export async function connectBroker(values: BrokerValues): Promise<Broker> {
  const { broker, site, username } = values;
  if (broker === undefined || site === undefined)
    throw new UsageError('usage', 'name the broker and the site: --broker mqtt://host --site NAME');
  if (!/^(mqtts?|wss?):\/\/[^\s/@]+/.test(broker))
    throw new UsageError('usage', `--broker takes mqtt://host, without a password in it; not '${broker}'`);
  const { OtaTopics: Topics } = await import('../../../ota/protocol/topics.ts');
  const { connectLink } = await import('../../../ota/protocol/mqtt-link.ts');
  const topics = new Topics(site);
  const file = (name: 'password-file' | 'ca-file' | 'cert-file' | 'key-file') =>
    values[name] === undefined ? undefined : read(values[name]);
  const [password, ca, cert, key] = [
    file('password-file'),
    file('ca-file'),
    file('cert-file'),
    file('key-file'),
  ];
  const link = await connectLink(broker, {
    ...(username !== undefined && { username }),
    ...(password && { password: password.split(/\r?\n/)[0]! }),
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  });
  return { link, topics };
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new InputError('ota-file-unreadable', `cannot read ${path}`, { cause, facts: { path } });
  }
}
