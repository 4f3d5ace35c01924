/** Which entries of the boot partition are for us: names as people, editors and operating systems leave them. Pure. */

import { nearestName } from '../../core/nearest-name.ts';
import { ANSWERS, DROPPED } from '../places.ts';

export type Role = keyof typeof DROPPED;

export interface Recognised {
  /** The entry's own name, by what it is. */
  readonly entries: Readonly<Partial<Record<Role, string>>>;
  /** Names that somebody may have meant for us, with what to do. */
  readonly problems: readonly { readonly name: string; readonly message: string }[];
}

/** macOS and Windows leave these beside or in every folder they open. */
const LITTER =
  /^(\._.*|\.DS_Store|\.Trashes|\.Spotlight-V100|\.fseventsd|\.TemporaryItems|Thumbs\.db|desktop\.ini|System Volume Information|\$RECYCLE\.BIN|~\$.*|.*~|\..*\.sw[a-z])$/i;

/** What each may be called: editors hide or add endings, and FAT does not tell capitals from small letters. */
const SPELLINGS: readonly [RegExp, Role][] = [
  [/^vigie\.ya?ml(\.txt)?$/, 'configuration'],
  [/^secrets$/, 'secrets'],
  [/^files$/, 'files'],
  [/^network\.ya?ml(\.txt)?$/, 'network'],
  [/^authorized_keys(\.txt)?$/, 'sshKeys'],
  [/^new-identity(\.txt){0,2}$/, 'newIdentity'],
  [/^keep-identity(\.txt){0,2}$/, 'keepIdentity'],
];

/** `vigie (1).yaml`, `vigie - Copy.yaml`, `network copy.yaml`: copies that a browser or a file manager made. */
const COPY = /^(vigie|network)[ _-].*\.ya?ml(\.txt)?$/;
const OWN = new Set<string>(Object.values(ANSWERS).flatMap((name) => [name, `${name}.new`]));

export function isLitter(name: string): boolean {
  return LITTER.test(name);
}

/** @param names of the entries at the top of the partition, in no order. */
export function recognise(names: readonly string[]): Recognised {
  const entries: Partial<Record<Role, string>> = {};
  const problems: { name: string; message: string }[] = [];
  for (const name of [...names].sort()) {
    if (isLitter(name) || OWN.has(name.toLowerCase())) continue;
    const role = roleOf(name);
    const first = role && entries[role];
    if (first) {
      const message = `there is ${first} as well: keep the one that is right and delete the other`;
      problems.push({ name, message });
    } else if (role) entries[role] = name;
    else {
      const meant = meantBy(name);
      if (meant) problems.push({ name, message: `is not read; to have it read, name it ${meant}` });
    }
  }
  // Which of two is right only a person knows: neither is taken.
  for (const { name } of problems) {
    const role = roleOf(name);
    if (role) delete entries[role];
  }
  return { entries, problems };
}

function roleOf(name: string): Role | undefined {
  const lower = name.toLowerCase();
  return SPELLINGS.find(([spelling]) => spelling.test(lower))?.[1];
}

/** Only what is clearly ours: the partition holds the files of the boot loader, too. */
function meantBy(name: string): string | undefined {
  const lower = name.toLowerCase();
  const copy = COPY.exec(lower)?.[1];
  if (copy) return `${copy}.yaml`;
  if (/^vigie\.(json|toml|ini|conf|cfg|txt|rtf|docx?)$/.test(lower)) return DROPPED.configuration;
  if (/^id_[a-z0-9]+\.pub$/.test(lower)) return DROPPED.sshKeys;
  // One letter may be wrong: `vigei.yaml`, `authorised_keys`, `secret`.
  const near = nearestName(lower, Object.values(DROPPED));
  if (near === undefined || near[0] !== lower[0]) return undefined;
  return Math.abs(near.length - lower.length) <= 2 ? near : undefined;
}
