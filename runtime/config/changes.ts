/** What a new configuration changes: what can be taken over while running, and what needs a restart. Pure. */

import { isDeepStrictEqual } from 'node:util';
import type { CameraConfig } from './schema/camera.ts';
import type { Config, SourceConfig } from './schema/root.ts';
import { buildTags } from './tags.ts';

export interface ReloadPlan {
  readonly logLevel?: Config['log']['level'];
  /** Sources whose way of reading changed while their tags stayed the same: they alone start again. */
  readonly sources: readonly SourceConfig[];
  /** Cameras of which `detection` alone changed: what is looked for, where and when. Their tracks live on. */
  readonly cameras: readonly CameraConfig[];
  /** Keys whose change takes effect only after a restart: `mqtt`, `cameras.gate.source`. */
  readonly needsRestart: readonly string[];
}

/** Keys without the schema's restart flag; written here too, so that a node need not load the schema. */
export const LIVE: readonly (keyof Config)[] = ['log', 'sources', 'cameras'];

export function planReload(before: Config, after: Config): ReloadPlan {
  const changed = changedKeys(before, after) as (keyof Config)[];
  const sources =
    changed.includes('sources') && sameTags(before, after) ? changedSources(before, after) : undefined;
  const cameras = changed.includes('cameras') ? cameraPlan(before.cameras, after.cameras) : NO_CAMERAS;
  const others = changed.filter((key) => (key === 'sources' ? sources === undefined : !LIVE.includes(key)));
  return {
    ...(changed.includes('log') ? { logLevel: after.log.level } : {}),
    sources: sources ?? [],
    cameras: cameras.live,
    needsRestart: [...others, ...cameras.needsRestart],
  };
}

interface CameraPlan {
  readonly live: readonly CameraConfig[];
  readonly needsRestart: readonly string[];
}

const NO_CAMERAS: CameraPlan = { live: [], needsRestart: [] };

/** Zones belong to a picture and its model: where those change, too, all of the camera waits. */
function cameraPlan(before: readonly CameraConfig[], after: readonly CameraConfig[]): CameraPlan {
  if (!isDeepStrictEqual(names(before), names(after))) return { live: [], needsRestart: ['cameras'] };
  const live: CameraConfig[] = [];
  const needsRestart: string[] = [];
  for (const [index, camera] of after.entries()) {
    const keys = changedKeys(before[index]!, camera);
    if (keys.length === 0) continue;
    // The model is asked for doubtful detections where it is loaded.
    const lowScore = before[index]!.detection.tracker.lowScore !== camera.detection.tracker.lowScore;
    if (keys.join() === 'detection' && !lowScore) live.push(camera);
    else needsRestart.push(...keys.map((key) => `cameras.${camera.name}.${key}`));
  }
  return { live, needsRestart };
}

const names = (cameras: readonly CameraConfig[]) => cameras.map(({ name }) => name);

function changedKeys<T extends object>(before: T, after: T): string[] {
  return Object.keys({ ...before, ...after }).filter(
    (key) => !isDeepStrictEqual(before[key as keyof T], after[key as keyof T]),
  );
}

function changedSources(before: Config, after: Config): SourceConfig[] {
  return after.sources.filter((source, index) => !isDeepStrictEqual(before.sources[index], source));
}

/** Windows, baselines and the dashboard are laid out by tag: another set of tags is another node. */
function sameTags(before: Config, after: Config): boolean {
  return isDeepStrictEqual(buildTags(before), buildTags(after));
}
