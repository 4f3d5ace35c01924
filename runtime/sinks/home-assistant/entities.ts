/** What Home Assistant is told of the cameras, as retained messages: entities by MQTT discovery, and their states. Pure. */

import { createHash } from 'node:crypto';
import type { Origin } from '../mqtt/envelope.ts';
import { topicPrefix } from '../mqtt/envelope.ts';

export interface CameraState {
  readonly name: string;
  /** Its pictures go to the broker. */
  readonly pictures: boolean;
  readonly available: boolean;
  readonly zones: readonly { readonly name: string; readonly occupied: boolean }[];
}

export interface NodeFacts extends Origin {
  readonly version: string;
  /** Of discovery topics. */
  readonly discovery: string;
}

/** Payloads by topic. */
export type Retained = ReadonlyMap<string, string>;

export function retainedMessages(node: NodeFacts, cameras: readonly CameraState[]): Retained {
  return new Map(cameras.flatMap((camera) => ofCamera(node, camera)));
}

function ofCamera(node: NodeFacts, camera: CameraState): [topic: string, payload: string][] {
  const { site, node: name, version } = node;
  const own = `${topicPrefix(node)}cameras/${camera.name}/`;
  const available = `${own}available`;
  const common = {
    availability: [
      { topic: `${topicPrefix(node)}status`, value_template: '{{ value_json.state }}' },
      { topic: available },
    ],
    availability_mode: 'all',
    device: {
      identifiers: [idOf(site, name, camera.name)],
      name: `${camera.name} (${site} ${name})`,
      manufacturer: 'Vigie',
      model: 'Camera',
      sw_version: version,
    },
    origin: { name: 'Vigie', sw_version: version },
    qos: 1,
  };
  const entity = (component: string, part: string, payload: object): [string, string] => {
    const id = idOf(site, name, camera.name, component, part);
    const topic = `${node.discovery}/${component}/${common.device.identifiers[0]}/${id}/config`;
    return [topic, JSON.stringify({ unique_id: id, ...payload, ...common })];
  };
  const pictures = `${topicPrefix(node)}snapshots/${camera.name}/+`;
  return [
    ...(camera.pictures ? [entity('camera', '', { name: 'Last event', topic: pictures })] : []),
    ...camera.zones.flatMap(({ name: zone, occupied }): [string, string][] => {
      const state = `${own}occupancy/${zone}`;
      const sensor = { name: zone, device_class: 'occupancy', state_topic: state };
      return [entity('binary_sensor', zone, sensor), [state, occupied ? 'ON' : 'OFF']];
    }),
    [available, camera.available ? 'online' : 'offline'],
  ];
}

/** Discovery knows letters, digits, `_` and `-` alone: the names are there to be read, the digest tells alike ones apart. */
function idOf(...names: string[]): string {
  const digest = createHash('sha256').update(JSON.stringify(names)).digest('hex').slice(0, 8);
  const readable = names.filter((name) => name !== '').join('_');
  return `vigie_${readable.replaceAll(/[^A-Za-z0-9_-]/g, '_')}_${digest}`;
}
