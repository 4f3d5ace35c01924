/** From the sources' configuration to the node's tags, numbered in the order of the file. */

import type { Tag } from '../core/messages.ts';
import type { Millis } from '../core/units.ts';
import type { Config, SourceConfig } from './schema/root.ts';
import type { TagFields } from './schema/tag.ts';

export function buildTags(config: Pick<Config, 'sources'>): Tag[] {
  const tags: Tag[] = [];
  for (const source of config.sources) {
    for (const fields of tagsOf(source)) tags.push(makeTag(fields, source, tags.length));
  }
  return tags;
}

type AnyTagFields = TagFields & { period?: Millis | undefined };

function tagsOf(source: SourceConfig): readonly AnyTagFields[] {
  return source.type === 'modbus' ? source.units.flatMap((unit) => unit.tags) : source.tags;
}

/** A recording sets its own pace; a second is what most historians keep. */
const RECORDING_PERIOD = 1000 as Millis;

function makeTag(fields: AnyTagFields, source: SourceConfig, index: number): Tag {
  const { name, group, kind, unit, deadband, range } = fields;
  const own = source.type === 'replay' ? ((RECORDING_PERIOD / source.speed) as Millis) : source.period;
  const tag = { name, index, source: source.name, group, kind, unit, period: fields.period ?? own, deadband };
  return range ? { ...tag, range: { low: range[0], high: range[1] } } : tag;
}
