/** What no single entry can know: names that appear twice, buses with two owners. */

import type { Config, SourceConfig } from './schema/root.ts';

export interface CrossIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

const NAMES = 'names are unique within the node';

export function crossChecks(config: Config): CrossIssue[] {
  const issues: CrossIssue[] = [];
  const unique = (kind: string, rule: string) => {
    const seen = new Map<string, string>();
    return (name: string, path: readonly PropertyKey[], where: string) => {
      const first = seen.get(name);
      if (first === undefined) seen.set(name, where);
      else
        issues.push({
          path,
          message: `${kind} '${name}' appears twice (first in ${first}); ${rule}`,
        });
    };
  };
  const source = unique('source', NAMES);
  const tag = unique('tag', NAMES);
  const camera = unique('source or camera', NAMES);
  const bus = unique('bus', 'one source owns a bus: put all its units there');
  config.sources.forEach((entry, index) => {
    source(entry.name, ['sources', index, 'name'], `sources[${index}]`);
    const line = busOf(entry);
    if (line) bus(line.name, ['sources', index, line.key], `source '${entry.name}'`);
    for (const { name, path } of tagPlaces(entry))
      tag(name, ['sources', index, ...path], `source '${entry.name}'`);
  });
  for (const name of new Set(config.sources.map((entry) => entry.name))) camera(name, [], `source '${name}'`);
  config.cameras.forEach(({ name }, index) => {
    camera(name, ['cameras', index, 'name'], `cameras[${index}]`);
  });
  return [...issues, ...modelIssues(config), ...bundleIssues(config)];
}

/** A bundle can only come to a node that takes updates, and its model does one thing. */
function bundleIssues({ anomaly, cameras, ota }: Config): CrossIssue[] {
  const scoring = anomaly.models.flatMap(({ bundle }, index) =>
    bundle === undefined ? [] : [{ bundle, path: ['anomaly', 'models', index, 'bundle'] }],
  );
  const looking = cameras.flatMap(({ model }, index) =>
    model?.bundle === undefined
      ? []
      : [{ bundle: model.bundle, path: ['cameras', index, 'model', 'bundle'] }],
  );
  if (!ota)
    return [...scoring, ...looking].map(({ bundle, path }) => ({
      path,
      message: `'${bundle}' would never arrive: bundles need the section 'ota' (docs/ota.md)`,
    }));
  const scored = new Set(scoring.map(({ bundle }) => bundle));
  return looking
    .filter(({ bundle }) => scored.has(bundle))
    .map(({ bundle, path }) => ({
      path,
      message: `'${bundle}' is named in anomaly.models, too: a model finds things in pictures or scores tags`,
    }));
}

/** Each input of a model must be a tag of the model's group. */
function modelIssues(config: Config): CrossIssue[] {
  const groups = new Map(config.sources.flatMap(tagPlaces).map(({ name, group }) => [name, group]));
  return config.anomaly.models.flatMap((model, index) =>
    model.inputs.flatMap((input, position) => {
      const group = groups.get(input);
      if (group === model.group) return [];
      const found = group === undefined ? 'there is no such tag' : `it is in group '${group}'`;
      const path = ['anomaly', 'models', index, 'inputs', position];
      return [{ path, message: `'${input}' is no tag of group '${model.group}': ${found}` }];
    }),
  );
}

interface TagPlace {
  readonly name: string;
  readonly group: string;
  readonly path: readonly PropertyKey[];
}

function tagPlaces(source: SourceConfig): TagPlace[] {
  const places = (tags: readonly { name: string; group: string }[], prefix: PropertyKey[]) =>
    tags.map(({ name, group }, index) => ({ name, group, path: [...prefix, 'tags', index, 'name'] }));
  if (source.type !== 'modbus') return places(source.tags, []);
  return source.units.flatMap((unit, index) => places(unit.tags, ['units', index]));
}

/** The line or endpoint that only one source may use. */
function busOf(source: SourceConfig): { name: string; key: string } | undefined {
  if (source.type === 'replay') return undefined;
  if (source.serial) return { name: source.serial.path, key: 'serial' };
  const { tcp } = source as { tcp?: { host: string; port: number } };
  return tcp && { name: `${tcp.host}:${tcp.port}`, key: 'tcp' };
}
