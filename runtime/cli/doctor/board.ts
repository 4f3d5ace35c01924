/** Looks at the board: which one it is, and the device profile it runs under. */

import type { DeviceChoice } from '../../config/device-profile/choose.ts';
import { findDevice } from '../../config/device-profile/device.ts';
import { readBoardFacts } from '../../config/device-profile/facts.ts';
import { sessionLimits } from '../../config/device-profile/session-limits.ts';
import { describeError } from '../../core/errors.ts';
import { type Finding, failure, ok } from './finding.ts';

const GB = 1e9;

/** @param asked by --profile. @param configured by device.profile. */
export function board(asked: string | undefined, configured: string | undefined): Finding[] {
  const reference = asked ?? configured;
  const by = asked === undefined ? 'device.profile' : '--profile';
  try {
    const choice = findDevice(reference === undefined ? undefined : { reference, by });
    return [ok('device profile', profileText(choice))];
  } catch (error) {
    const fix = `name another with ${by}, or none: ${profileText(findDevice())}`;
    return [failure('device profile', describeError(error), fix)];
  }
}

function profileText({ board: name, profile, why }: DeviceChoice): string {
  const facts = readBoardFacts();
  const { threads, memoryLimitBytes } = sessionLimits(profile, facts);
  const machine = `${name}, ${facts.cores} cores, ${(facts.memory / GB).toFixed(1)} GB`;
  const limits = `${threads} threads and ${(memoryLimitBytes / GB).toFixed(1)} GB for a model`;
  return `${profile.name} for ${machine} (${why}); ${limits}; tries ${profile.models.backends.join(', ')}`;
}
