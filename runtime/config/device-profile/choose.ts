/** Which profile a machine runs under: the one that was named, else the board's own, else the generic one. Pure. */

import { type BoardFacts, boardName } from './facts.ts';
import type { DeviceProfile } from './schema.ts';

export interface DeviceChoice {
  readonly profile: DeviceProfile;
  /** What the machine calls itself. */
  readonly board: string;
  /** What decided: `/proc/device-tree/compatible has 'brcm,bcm2711'`. */
  readonly why: string;
}

/** @param named a profile that somebody asked for, and where: `device.profile`, `--profile`. */
export function chooseProfile(
  facts: BoardFacts,
  profiles: readonly DeviceProfile[],
  named?: { readonly profile: DeviceProfile; readonly by: string },
): DeviceChoice {
  const board = boardName(facts);
  if (named) return { profile: named.profile, board, why: `named by ${named.by}` };
  for (const recognise of [byCompatible, byModel, byTegraRelease]) {
    for (const profile of profiles) {
      const why = recognise(profile, facts);
      if (why !== undefined) return { profile, board, why };
    }
  }
  return { ...generic(facts, profiles), board };
}

function byCompatible({ recognise }: DeviceProfile, { compatible }: BoardFacts): string | undefined {
  const entry = compatible.find((text) => recognise.compatible.some((pattern) => matches(pattern, text)));
  return entry && `/proc/device-tree/compatible has '${entry}'`;
}

function byModel({ recognise }: DeviceProfile, { model, dmi }: BoardFacts): string | undefined {
  const fits = (text: string | undefined) =>
    text !== undefined && recognise.models.some((start) => matches(`${start}*`, text));
  if (fits(model)) return `/proc/device-tree/model is '${model}'`;
  return fits(dmi?.product) ? `/sys/class/dmi/id/product_name is '${dmi?.product}'` : undefined;
}

/** Containers see no device tree, but may be given this file. A board that does have one is no other board. */
function byTegraRelease({ recognise }: DeviceProfile, facts: BoardFacts): string | undefined {
  const { tegra, model, compatible } = facts;
  if (!tegra || model !== undefined || compatible.length > 0) return undefined;
  return recognise.tegraBoards.includes(tegra.board)
    ? `/etc/nv_tegra_release has BOARD ${tegra.board}`
    : undefined;
}

function generic({ architecture, tegra }: BoardFacts, profiles: readonly DeviceProfile[]) {
  const own = profiles.find((profile) => profile.architecture === architecture && isGeneric(profile));
  if (own && tegra)
    return { profile: own, why: 'a Jetson, but which is not to be seen: name it with device.profile' };
  if (own)
    return { profile: own, why: `no profile is for this board; this one is for all of ${architecture}` };
  // The more careful of the two.
  const careful = profiles.find(({ name }) => name === 'generic-arm64')!;
  return { profile: careful, why: `there is no profile for ${architecture}; this one asks for little` };
}

const isGeneric = ({ name }: DeviceProfile) => name.startsWith('generic-');

/** '*' stands for any text. */
function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*');
  if (parts.length === 1) return pattern === text;
  const [first, last] = [parts[0]!, parts.at(-1)!];
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last))
    return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
}
