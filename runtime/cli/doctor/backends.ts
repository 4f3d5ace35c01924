/** Looks at what can run models on this machine, and why the rest cannot. */

import { findDevice, profileProblem } from '../../config/device-profile/device.ts';
import { unavailableBackends } from '../../pipeline/inference/choose-backend.ts';
import { type Finding, failure, ok, warning } from './finding.ts';

/** @param reference the device profile that was named; where it is wrong, another finding says so. */
export async function backends(reference: string | undefined): Promise<Finding> {
  const usable = reference !== undefined && profileProblem(reference) === undefined;
  const { profile } = findDevice(usable ? { reference, by: '' } : undefined);
  const unavailable = await unavailableBackends();
  const order = profile.models.backends;
  const can = order.filter((backend) => !unavailable.has(backend));
  const cannot = order.flatMap((backend) => {
    const why = unavailable.get(backend);
    return why === undefined ? [] : [`${backend} cannot: ${why}`];
  });
  const detail = [`${can.join(', ') || 'nothing'} can run models`, ...cannot].join('; ');
  if (can.length === 0)
    return failure('backends', detail, 'install Vigie again: npm ci, npm run build:native');
  if (cannot.length === 0) return ok('backends', detail);
  const fix = `the profile ${profile.name} asks for it; without it models run on ${can[0]}`;
  return warning('backends', detail, fix);
}
