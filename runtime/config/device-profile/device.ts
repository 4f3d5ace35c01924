/** The profile for this machine, with its file read: for the configuration's check and for the command line. */

import { describeError } from '../../core/errors.ts';
import { chooseProfile, type DeviceChoice } from './choose.ts';
import { type BoardFacts, readBoardFacts } from './facts.ts';
import { loadProfile, shippedProfiles } from './load.ts';

/**
 * @param named what somebody asked for, and where it was said.
 * @throws InputError as `loadProfile`, for the named one.
 */
export function findDevice(
  named?: { readonly reference: string; readonly by: string },
  facts: BoardFacts = readBoardFacts(),
): DeviceChoice {
  const asked = named && { profile: loadProfile(named.reference), by: named.by };
  return chooseProfile(facts, shippedProfiles(), asked);
}

/** Why a profile cannot be used; undefined when it can. */
export function profileProblem(reference: string): string | undefined {
  try {
    loadProfile(reference);
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}
