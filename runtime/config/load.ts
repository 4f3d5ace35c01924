/** vigie.yaml to a Config: every problem with its place, bad devices set aside while the others run. */

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { InputError } from '../core/errors.ts';
import { crossChecks } from './cross-checks.ts';
import { explainIssue } from './explain-issue.ts';
import { formatPath, type Problem } from './problem.ts';
import { type Config, rootConfig } from './schema/root.ts';
import { type ParsedYaml, parseYaml } from './yaml.ts';

export interface LoadResult {
  /** Undefined when nothing can run: the file itself, or a part that is no device, is wrong. */
  readonly config: Config | undefined;
  readonly problems: readonly Problem[];
  /** Devices left out because of a problem, as `sources[0].units[1] (plc-1)`. */
  readonly quarantined: readonly string[];
}

/** @throws InputError `config-unreadable` when there is no such file. */
export function loadConfigFile(file: string): LoadResult {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new InputError('config-unreadable', `cannot read the configuration ${file}`, {
      cause,
      facts: { file },
    });
  }
  return loadConfig(text, dirname(resolve(file)));
}

/** @param directory where relative paths start. */
export function loadConfig(text: string, directory: string): LoadResult {
  const yaml = parseYaml(text);
  if (yaml.problems.length > 0) return { config: undefined, problems: yaml.problems, quarantined: [] };
  if (yaml.value === null || yaml.value === undefined) {
    return {
      config: undefined,
      problems: [
        { path: [], line: 1, column: 1, message: 'the file is empty; start with node: { site: …, name: … }' },
      ],
      quarantined: [],
    };
  }
  return validate(yaml, directory);
}

/**
 * Takes out the devices that do not fit and tries again, until the rest fits. Positions are kept by blanking an
 * entry instead of removing it, so that problems found in a later round still point at the right line.
 */
function validate(yaml: ParsedYaml, directory: string): LoadResult {
  const data = structuredClone(yaml.value) as RawRoot;
  const problems: Problem[] = [];
  const quarantined: string[] = [];
  for (;;) {
    const { config, found } = round(data, yaml);
    problems.push(...found);
    if (found.length === 0 && config)
      return { config: resolveFiles(config, directory), problems: sorted(problems), quarantined };
    const devices = new Set(found.map((problem) => deviceOf(problem.path, data)));
    if (devices.has(undefined)) return { config: undefined, problems: sorted(problems), quarantined };
    for (const device of devices) quarantined.push(takeOut(device as DeviceRef, data));
  }
}

function round(data: RawRoot, yaml: ParsedYaml): { config: Config | undefined; found: Problem[] } {
  const { kept, restore } = withoutHoles(data);
  const result = rootConfig.safeParse(kept);
  if (!result.success) {
    return {
      config: undefined,
      found: result.error.issues.flatMap((issue) =>
        explainIssue({ ...issue, path: restore(issue.path) }, yaml),
      ),
    };
  }
  const found = crossChecks(result.data).map(({ path, message }): Problem => {
    const place = restore(path);
    return { path: place, ...yaml.locate(place), message };
  });
  return { config: result.data, found };
}

type RawUnit = Record<string, unknown> | undefined;
type RawSource = (Record<string, unknown> & { units?: RawUnit[] }) | undefined;
type RawRoot = Record<string, unknown> & { sources?: RawSource[] };

interface DeviceRef {
  readonly source: number;
  readonly unit?: number;
}

/** The data without blanked entries, and the way back from its positions to those in the file. */
function withoutHoles(data: RawRoot): {
  kept: unknown;
  restore: (path: readonly PropertyKey[]) => PropertyKey[];
} {
  if (!Array.isArray(data.sources)) return { kept: data, restore: (path) => [...path] };
  const sourceAt = present(data.sources);
  const unitAt = sourceAt.map((i) => present(data.sources![i]?.units));
  const sources = sourceAt.map((i, k) => {
    const source = data.sources![i];
    return Array.isArray(source?.units)
      ? { ...source, units: unitAt[k]!.map((j) => source.units?.[j]) }
      : source;
  });
  const restore = (path: readonly PropertyKey[]): PropertyKey[] => {
    const out = [...path];
    if (out[0] !== 'sources' || typeof out[1] !== 'number') return out;
    const kept = out[1];
    out[1] = sourceAt[kept] ?? kept;
    if (out[2] === 'units' && typeof out[3] === 'number') out[3] = unitAt[kept]?.[out[3]] ?? out[3];
    return out;
  };
  return { kept: { ...data, sources }, restore };
}

/** Indexes that were not blanked. An entry that is null in the file itself counts as present, and is reported. */
const BLANK = undefined;
const present = (list: readonly unknown[] | undefined): number[] =>
  Array.isArray(list) ? list.flatMap((item, index) => (item === BLANK ? [] : [index])) : [];

/** The smallest device a problem belongs to; undefined when it is not about one. */
function deviceOf(path: readonly PropertyKey[], data: RawRoot): DeviceRef | undefined {
  const [root, source, part, unit] = path;
  if (root !== 'sources' || typeof source !== 'number') return undefined;
  const alone = present(data.sources?.[source]?.units).length <= 1;
  return part === 'units' && typeof unit === 'number' && !alone ? { source, unit } : { source };
}

function takeOut(device: DeviceRef, data: RawRoot): string {
  const source = data.sources![device.source];
  const label = source === BLANK || !source?.name ? '' : ` (${String(source.name)})`;
  if (device.unit === undefined) {
    data.sources![device.source] = BLANK;
    return formatPath(['sources', device.source]) + label;
  }
  if (source !== BLANK && source?.units) source.units[device.unit] = BLANK;
  return formatPath(['sources', device.source, 'units', device.unit]) + label;
}

function resolveFiles(config: Config, directory: string): Config {
  const sources = config.sources.map((source) =>
    source.type === 'replay' ? { ...source, file: resolve(directory, source.file) } : source,
  );
  return { ...config, sources };
}

const sorted = (problems: readonly Problem[]) =>
  [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
