/** vigie.yaml to a Config: every problem with its place, bad devices set aside while the others run. */

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { InputError } from '../core/errors.ts';
import { crossChecks } from './cross-checks.ts';
import { profileProblem } from './device-profile/device.ts';
import { isProfilePath } from './device-profile/load.ts';
import { explainIssue, valueAt } from './explain-issue.ts';
import { HOLE, withoutHoles } from './holes.ts';
import { formatPath, type Problem } from './problem.ts';
import type { CameraConfig } from './schema/camera.ts';
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
  return loadConfig(readConfigFile(file), dirname(resolve(file)));
}

/** @throws InputError `config-unreadable`. */
export function readConfigFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new InputError('config-unreadable', `cannot read the configuration ${file}`, {
      cause,
      facts: { file },
    });
  }
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
  const data = structuredClone(yaml.value);
  const problems: Problem[] = [];
  const quarantined: string[] = [];
  for (;;) {
    const { config, found } = round(data, yaml);
    problems.push(...found);
    if (found.length === 0 && config) {
      const resolved = resolveFiles(config, directory);
      problems.push(...deviceProblems(resolved, yaml));
      return { config: resolved, problems: sorted(problems), quarantined };
    }
    const devices = new Map<string, readonly PropertyKey[]>();
    for (const problem of found) {
      const device = deviceOf(problem.path, data);
      if (!device) return { config: undefined, problems: sorted(problems), quarantined };
      devices.set(formatPath(device), device);
    }
    for (const device of devices.values()) quarantined.push(takeOut(device, data));
  }
}

function round(data: unknown, yaml: ParsedYaml): { config: Config | undefined; found: Problem[] } {
  const { kept, restore } = withoutHoles(data);
  const result = rootConfig.safeParse(kept);
  if (!result.success) {
    return {
      config: undefined,
      found: result.error.issues.flatMap((issue) =>
        explainIssue({ ...issue, path: restore(issue.path) }, yaml, rootConfig),
      ),
    };
  }
  const found = crossChecks(result.data).map(({ path, message }): Problem => {
    const place = restore(path);
    return { path: place, ...yaml.locate(place), message };
  });
  return { config: result.data, found };
}

/** The smallest device or model a problem belongs to; undefined when it is about neither. */
function deviceOf(path: readonly PropertyKey[], data: unknown): readonly PropertyKey[] | undefined {
  const lists = [
    ['sources', INDEX, 'units', INDEX],
    ['sources', INDEX],
    ['cameras', INDEX],
    ['anomaly', 'models', INDEX],
  ];
  for (const list of lists) {
    const fits = list.every((part, i) => (part === INDEX ? typeof path[i] === 'number' : path[i] === part));
    if (fits && !isLastOfUnits(path.slice(0, list.length), data)) return path.slice(0, list.length);
  }
  return undefined;
}

const INDEX = Symbol('any index');

/** A bus without units is no bus: its last unit takes the whole source with it. */
function isLastOfUnits(path: readonly PropertyKey[], data: unknown): boolean {
  if (path[2] !== 'units') return false;
  const units = valueAt(data, path.slice(0, -1)) as readonly unknown[];
  return units.filter((unit) => unit !== HOLE).length <= 1;
}

/** @returns `sources[0].units[1] (plc-1)`, for a person. */
function takeOut(path: readonly PropertyKey[], data: unknown): string {
  const named = valueAt(data, path[0] === 'sources' ? path.slice(0, 2) : path) as { name?: unknown } | null;
  const list = valueAt(data, path.slice(0, -1)) as unknown[];
  list[path.at(-1) as number] = HOLE;
  return formatPath(path) + (named?.name === undefined ? '' : ` (${String(named.name)})`);
}

/** A wrong device profile stops no node: it runs under the profile of the board it recognises. */
function deviceProblems({ device }: Config, yaml: ParsedYaml): Problem[] {
  const message = device.profile && profileProblem(device.profile);
  const path = ['device', 'profile'];
  return message ? [{ path, ...yaml.locate(path), message }] : [];
}

function resolveFiles(config: Config, directory: string): Config {
  const absolute = <T extends { file: string }>(entry: T): T => ({
    ...entry,
    file: resolve(directory, entry.file),
  });
  const { profile } = config.device;
  return {
    ...config,
    device: profile && isProfilePath(profile) ? { profile: resolve(directory, profile) } : config.device,
    sources: config.sources.map((source) => (source.type === 'replay' ? absolute(source) : source)),
    cameras: config.cameras.map((camera) => resolveCamera(camera, directory)),
    anomaly: {
      ...config.anomaly,
      models: config.anomaly.models.map((model) =>
        model.file === undefined ? model : absolute({ ...model, file: model.file }),
      ),
    },
    ...(config.ota && { ota: { ...config.ota, root: resolve(directory, config.ota.root) } }),
  };
}

function resolveCamera(camera: CameraConfig, directory: string): CameraConfig {
  const { source, model, privacy } = camera;
  return {
    ...camera,
    source: source.type === 'file' ? { ...source, file: resolve(directory, source.file) } : source,
    ...(model?.manifest === undefined
      ? {}
      : { model: { ...model, manifest: resolve(directory, model.manifest) } }),
    ...(privacy.faceModel === undefined
      ? {}
      : { privacy: { ...privacy, faceModel: resolve(directory, privacy.faceModel) } }),
  };
}

const sorted = (problems: readonly Problem[]) =>
  [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
