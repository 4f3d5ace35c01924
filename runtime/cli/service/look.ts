/** What `vigie service` reads of a machine, or of a tree that will be one. */

import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findDevice } from '../../config/device-profile/device.ts';
import { loadConfig } from '../../config/load.ts';
import { formatProblem } from '../../config/problem.ts';
import { InputError } from '../../core/errors.ts';
import { wantedBy } from './devices.ts';
import type { NodeFacts } from './drop-in.ts';

export interface Place {
  /** '' for this machine, else the folder that will be its root. */
  readonly root: string;
  /** As the node sees it. */
  readonly config: string;
  readonly dataDir: string;
}

/** In this order vigie-apply.service compares them, too. */
const filesOf = ({ config, dataDir }: Place) => [
  config,
  join(dataDir, 'pushed/vigie.yaml'),
  '/usr/lib/vigie/package.json',
];

/** Of what is read, as sha256sum prints it: what has not changed need not be looked at again. */
export function sums(place: Place): string {
  return filesOf(place)
    .filter((file) => existsSync(place.root + file))
    .map(
      (file) =>
        `${createHash('sha256')
          .update(readFileSync(place.root + file))
          .digest('hex')}  ${file}\n`,
    )
    .join('');
}

/** Of the node's own configuration, and of one that was pushed: either may run. @throws InputError `config-invalid` */
export function lookAt(place: Place): NodeFacts {
  const { root } = place;
  const [own, pushed] = filesOf(place) as [string, string];
  const configs = [own, pushed]
    .filter((file) => file === own || existsSync(root + file))
    .map((file) => {
      const text = readFileSync(root + file, 'utf8');
      const { config, problems } = loadConfig(text, dirname(root + own));
      if (config) return config;
      const list = problems.map((problem) => formatProblem(file, problem)).join('\n');
      throw new InputError(
        'config-invalid',
        `what the service may open stays as it is; the configuration is wrong:\n${list}`,
      );
    });
  const wanted = configs.map((config) => {
    const { profile } = config.device;
    const named = profile === undefined ? undefined : { reference: profile, by: 'device.profile' };
    return wantedBy(config, { profile: findDevice(named).profile, resolve });
  });
  return {
    openings: wanted.flatMap(({ openings }) => openings),
    refused: wanted.flatMap(({ refused }) => refused),
    systemd: systemdVersion(root),
    timesyncd:
      existsSync(`${root}/usr/lib/systemd/systemd-timesyncd`) ||
      existsSync(`${root}/lib/systemd/systemd-timesyncd`),
  };
}

function resolve(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** By its own library's name: nothing needs to be started. */
function systemdVersion(root: string): number | undefined {
  const names = globSync(
    ['/usr/lib/systemd/', '/usr/lib/*/systemd/', '/lib/systemd/'].map(
      (folder) => `${root}${folder}libsystemd-shared-*.so`,
    ),
  );
  const versions = names.flatMap((name) => /libsystemd-shared-(\d+)/.exec(name)?.[1] ?? []).map(Number);
  return versions.length === 0 ? undefined : Math.max(...versions);
}
