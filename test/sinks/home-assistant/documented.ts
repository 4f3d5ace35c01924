/**
 * The fields of a discovery payload as Home Assistant documents them (home-assistant.io/integrations/camera.mqtt,
 * binary_sensor.mqtt and mqtt): it refuses an entity with a field of the wrong form, and passes over names that it does not know.
 */

import Ajv from 'ajv';

const text = { type: 'string', minLength: 1 };
const topic = { type: 'string', pattern: '^[^#]+(#)?$' };
const strict = (properties: object, ...required: string[]) => ({
  type: 'object',
  additionalProperties: false,
  properties,
  required,
});

const availability = strict(
  { topic, payload_available: text, payload_not_available: text, value_template: text },
  'topic',
);
const device = strict(
  {
    identifiers: { type: 'array', items: text, minItems: 1 },
    connections: { type: 'array' },
    manufacturer: text,
    model: text,
    model_id: text,
    name: text,
    hw_version: text,
    sw_version: text,
    serial_number: text,
    via_device: text,
    suggested_area: text,
    configuration_url: text,
  },
  'identifiers',
);
const common = {
  availability: { type: 'array', items: availability },
  availability_mode: { enum: ['all', 'any', 'latest'] },
  default_entity_id: text,
  device,
  enabled_by_default: { type: 'boolean' },
  encoding: text,
  entity_category: { enum: ['config', 'diagnostic'] },
  entity_picture: text,
  icon: text,
  json_attributes_topic: topic,
  json_attributes_template: text,
  name: text,
  origin: strict({ name: text, sw_version: text, support_url: text }, 'name'),
  qos: { enum: [0, 1, 2] },
  unique_id: text,
};
const sensor = {
  device_class: { enum: ['motion', 'occupancy', 'presence', 'connectivity'] },
  expire_after: { type: 'integer' },
  force_update: { type: 'boolean' },
  off_delay: { type: 'integer' },
  payload_on: text,
  payload_off: text,
  state_topic: topic,
  value_template: text,
};

// A device and an origin are what its registry and its debug pages are made from; it asks for them in new integrations.
const needed = ['unique_id', 'device', 'origin'];
const ajv = new Ajv.default({ allErrors: true, strict: false });
const CHECKS = {
  camera: ajv.compile(strict({ ...common, topic, image_encoding: { const: 'b64' } }, 'topic', ...needed)),
  binary_sensor: ajv.compile(strict({ ...common, ...sensor }, 'state_topic', ...needed)),
};
const TOPIC = /^([^+#]+)\/(camera|binary_sensor)\/([A-Za-z0-9_-]+)\/([A-Za-z0-9_-]+)\/config$/;

/** What Home Assistant would have against the discovery message. */
export function validateDiscovery(topic: string, payload: string): string[] {
  const component = TOPIC.exec(topic)?.[2] as keyof typeof CHECKS | undefined;
  if (component === undefined) return [`${topic} is no discovery topic`];
  const check = CHECKS[component];
  if (check(JSON.parse(payload))) return [];
  return (check.errors ?? []).map(
    ({ instancePath, message, params }) => `${component}${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}
