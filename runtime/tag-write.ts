/** The command `tag-write`: sets a tag that its configuration lists as writable. */

import type { Command } from './core/commands.ts';
import type { Source } from './core/component.ts';
import { InputError } from './core/errors.ts';
import type { Tag, Value } from './core/messages.ts';

/** A source that can write its tags. */
interface Writer extends Source {
  /** @throws InputError when the tag is not writable or the value does not fit, DeviceError when the device refuses. */
  write(tag: string, value: Value): Promise<void>;
}

/** @param sources by name, as they are now: a reload replaces them. */
export function tagWriteCommand(tags: readonly Tag[], sources: ReadonlyMap<string, Source>): Command {
  return {
    name: 'tag-write',
    description: 'Write a tag listed as writable: { "tag": NAME, "value": NUMBER, BOOLEAN or TEXT }',
    async run({ tag: name, value, ...rest }) {
      const extra = Object.keys(rest)[0];
      if (extra !== undefined)
        throw new InputError('bad-arguments', `unknown argument '${extra}'; expected tag and value`);
      const tag = tags.find((candidate) => candidate.name === name);
      if (!tag) throw new InputError('unknown-tag', `no tag '${String(name)}' on this node`);
      if (typeof value !== 'number' && typeof value !== 'boolean' && typeof value !== 'string') {
        throw new InputError(
          'bad-arguments',
          `value of '${tag.name}': expected a number, true, false or a text`,
        );
      }
      const source = sources.get(tag.source);
      if (!source || !isWriter(source))
        throw new InputError('not-writable', `tag '${tag.name}' cannot be written: its source only reads`);
      await source.write(tag.name, value);
      return { tag: tag.name, value };
    },
  };
}

const isWriter = (source: Source): source is Writer => 'write' in source;
