/** Looks at the machine: versions, addon, clock, disk. */

import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import { arch, release } from 'node:os';
import { dirname } from 'node:path';
import { clockSynchronised } from '../../addon/clock-probe.ts';
import { IsolationForest } from '../../addon/isolation-forest.ts';
import { timesyncProbe } from '../../core/clock.ts';
import { describeError } from '../../core/errors.ts';
import { version } from '../version.ts';
import { type Finding, failure, ok, warning } from './finding.ts';

const NODE_MAJOR = 24;
const MIN_FREE_BYTES = 200e6;
const MIN_FREE_SHARE = 0.05;

export function versions(): Finding {
  const detail = `vigie ${version()}, Node.js ${process.version}, ${system()}, ${arch()}, kernel ${release()}`;
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= NODE_MAJOR) return ok('versions', detail);
  return failure(
    'versions',
    detail,
    `Node.js ${NODE_MAJOR} is needed: npm ci brings it, and bin/vigie starts it`,
  );
}

/** Loads it and grows one small forest: a library that loads may still not run on this processor. */
export function addon(): Finding {
  try {
    const rows = Float64Array.from({ length: 64 }, (_, i) => Math.sin(i));
    const forest = IsolationForest.fit({ rows, width: 1, trees: 5, samples: 32, seed: 1 });
    const [usual, odd] = [forest.score(Float64Array.of(0)), forest.score(Float64Array.of(50))];
    if (odd > usual) return ok('addon', 'loads, fits and scores');
    return failure(
      'addon',
      'loads, but scores an outlier below a usual value',
      'build it again on this machine: npm run build:native',
    );
  } catch (error) {
    return failure(
      'addon',
      describeError(error),
      'build it: npm run build:native (needs g++, make and cmake)',
    );
  }
}

export function clock(): Finding {
  const now = new Date().toISOString();
  const synced = kernelSaysSynced();
  if (synced) return ok('clock', `synchronised, ${now}`);
  const fix =
    'install a time service (apt-get install systemd-timesyncd), or check that it reaches its servers; records are marked unsynced and corrected later';
  return warning('clock', `not synchronised, says ${now}`, fix);
}

export function storage(dataDir: string): Finding[] {
  const place = nearestExisting(dataDir);
  return [writable(dataDir, place), space(place)];
}

function writable(dataDir: string, place: string): Finding {
  try {
    accessSync(place, constants.W_OK | constants.X_OK);
    return ok('data directory', place === dataDir ? `${dataDir} is writable` : `${dataDir} will be made`);
  } catch (error) {
    return failure(
      'data directory',
      `${place}: ${describeError(error)}`,
      `give the service's user the directory: install -d -o vigie ${dataDir}; or choose another with --data-dir`,
    );
  }
}

function space(place: string): Finding {
  const { bavail, blocks, bsize } = statfsSync(place);
  const free = bavail * bsize;
  const detail = `${(free / 1e9).toFixed(1)} GB free (${Math.round((100 * bavail) / blocks)} %) at ${place}`;
  if (free >= MIN_FREE_BYTES && bavail / blocks >= MIN_FREE_SHARE) return ok('disk', detail);
  return warning(
    'disk',
    detail,
    'make room, or lower outbox.maxBytes: a full disk evicts the oldest readings',
  );
}

function kernelSaysSynced(): boolean {
  try {
    return clockSynchronised() ?? timesyncProbe();
  } catch {
    return timesyncProbe();
  }
}

function nearestExisting(path: string): string {
  return existsSync(path) ? path : nearestExisting(dirname(path));
}

function system(): string {
  const text = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  return /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1] ?? 'unknown system';
}
