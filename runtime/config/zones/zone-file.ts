/** Reads and writes the zones of a configuration file, under the same checks as the file as a whole. */

import { createHash } from 'node:crypto';
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { writeFileAtomic } from '../../core/atomic-file.ts';
import { InputError } from '../../core/errors.ts';
import type { CameraZones, ZoneProblem, ZonesInFile, ZonesWritten } from '../../core/zone-store.ts';
import { loadConfig, readConfigFile } from '../load.ts';
import { formatProblem, type Problem } from '../problem.ts';
import { cameraIndex, withZones } from './edit.ts';

const MOST = 64;
const point = z.tuple([z.number(), z.number()]);
const text = z.string().max(200);
/** The form alone; what it means is checked as part of the file. */
const edited = z.strictObject({
  revision: text,
  zones: z
    .array(
      z.strictObject({
        name: text,
        was: text.optional(),
        polygon: z.array(point).max(MOST),
        mode: z.enum(['include', 'exclude']),
      }),
    )
    .max(MOST),
  tripwires: z
    .array(
      z.strictObject({
        name: text,
        was: text.optional(),
        line: z.tuple([point, point]),
        direction: z.enum(['both', 'left-to-right', 'right-to-left']),
      }),
    )
    .max(MOST),
});

/** @throws as ZoneStore.read. */
export function readZones(file: string, camera: string): ZonesInFile {
  const content = readConfigFile(file);
  cameraIndex(parseDocument(content), camera);
  const { config, problems } = loadConfig(content, dirname(resolve(file)));
  const found = config?.cameras.find(({ name }) => name === camera);
  if (!found) {
    const why = problems.map((problem) => formatProblem(file, problem)).join('\n');
    throw new InputError('config-invalid', `the configuration file is to be mended by hand first:\n${why}`);
  }
  const readOnly = whyReadOnly(file);
  return {
    revision: revisionOf(content),
    zones: found.detection.zones.map(({ name, polygon, mode }) => ({ name, was: name, polygon, mode })),
    tripwires: found.detection.tripwires.map(({ name, line, direction }) => ({
      name,
      was: name,
      line,
      direction,
    })),
    ...(readOnly === undefined ? {} : { readOnly }),
  };
}

/** @throws as ZoneStore.write. */
export function writeZones(file: string, camera: string, edit: unknown): ZonesWritten {
  const parsed = edited.safeParse(edit);
  if (!parsed.success) {
    return { problems: parsed.error.issues.map(({ path, message }) => ({ path: plain(path), message })) };
  }
  const before = readConfigFile(file);
  if (parsed.data.revision !== revisionOf(before)) {
    throw new InputError('config-changed', 'the configuration file was changed meanwhile: load it again');
  }
  const readOnly = whyReadOnly(file);
  if (readOnly !== undefined) throw new InputError('config-read-only', readOnly);
  const after = withZones(before, camera, parsed.data as CameraZones);
  const problems = newProblems(after, camera, file);
  if (problems.length > 0) return { problems };
  writeFileAtomic(resolve(file), after, statSync(file).mode & 0o777);
  return { revision: revisionOf(after), takesEffect: 'at-restart' };
}

/** Everything that is wrong with the camera, and with the file as a whole where that stops the node. */
function newProblems(content: string, camera: string, file: string): ZoneProblem[] {
  const at = ['cameras', cameraIndex(parseDocument(content), camera)];
  const { config, problems } = loadConfig(content, dirname(resolve(file)));
  const ofCamera = problems.filter(({ path }) => at.every((part, i) => path[i] === part));
  if (ofCamera.length > 0) return ofCamera.map((problem) => ofEdit(problem));
  if (config) return [];
  return problems.map((problem) => ({ path: [], message: formatProblem(file, problem) }));
}

/** From `cameras[0].detection.zones[1].name` to `zones[1].name`. */
function ofEdit({ path, message }: Problem): ZoneProblem {
  return path[2] === 'detection' ? { path: plain(path.slice(3)), message } : { path: [], message };
}

const plain = (path: readonly PropertyKey[]) =>
  path.map((part) => (typeof part === 'number' ? part : String(part)));

const revisionOf = (content: string) => createHash('sha256').update(content).digest('base64url').slice(0, 22);

/** The file is replaced as a whole: its folder must allow that. */
function whyReadOnly(file: string): string | undefined {
  try {
    accessSync(file, constants.W_OK);
    accessSync(dirname(resolve(file)), constants.W_OK);
    return undefined;
  } catch {
    return `the node may not write ${file}: give its user the file and its folder, or edit it by hand`;
  }
}
