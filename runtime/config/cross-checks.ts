/** What no single entry can know: names that appear twice. */

import type { Config, SourceConfig } from './schema/root.ts';

export interface CrossIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

export function crossChecks(config: Config): CrossIssue[] {
  const issues: CrossIssue[] = [];
  const unique = (kind: string) => {
    const seen = new Map<string, string>();
    return (name: string, path: readonly PropertyKey[], where: string) => {
      const first = seen.get(name);
      if (first === undefined) seen.set(name, where);
      else
        issues.push({
          path,
          message: `${kind} '${name}' appears twice (first in ${first}); names are unique within the node`,
        });
    };
  };
  const source = unique('source');
  const tag = unique('tag');
  config.sources.forEach((entry, index) => {
    source(entry.name, ['sources', index, 'name'], `sources[${index}]`);
    for (const { name, path } of tagPlaces(entry))
      tag(name, ['sources', index, ...path], `source '${entry.name}'`);
  });
  return issues;
}

function tagPlaces(source: SourceConfig): { name: string; path: PropertyKey[] }[] {
  const places = (tags: readonly { name: string }[], prefix: PropertyKey[]) =>
    tags.map(({ name }, index) => ({ name, path: [...prefix, 'tags', index, 'name'] }));
  if (source.type !== 'modbus') return places(source.tags, []);
  return source.units.flatMap((unit, index) => places(unit.tags, ['units', index]));
}
