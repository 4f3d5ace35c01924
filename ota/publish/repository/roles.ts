/** The roles of a repository made by Vigie: who signs what, how many of them, and for how long it holds. */

/** Those that sign a metadata file; the order is that in which files build on each other. */
export const METADATA_ROLES = ['root', 'targets', 'release', 'deploy', 'snapshot', 'timestamp'] as const;
export type MetadataRole = (typeof METADATA_ROLES)[number];
/** `time` signs replies to nodes that ask for the time, and no file. */
export const ROLES = [...METADATA_ROLES, 'time'] as const;
export type Role = (typeof ROLES)[number];

export interface RoleRules {
  readonly threshold: number;
  /** How many keys `vigie ota key gen --all` makes. */
  readonly keys: number;
  /** Of a file, from the day on which it was made. */
  readonly days: number;
  /** On the hub, unattended; the others are brought to it signed. */
  readonly online: boolean;
  readonly signs: string;
}

export const ROLE_RULES: Readonly<Record<Role, RoleRules>> = {
  root: { threshold: 2, keys: 3, days: 365, online: false, signs: 'which keys speak for which role' },
  targets: { threshold: 2, keys: 3, days: 365, online: false, signs: 'who may release and who may deploy' },
  release: { threshold: 1, keys: 1, days: 180, online: false, signs: 'bundles' },
  deploy: { threshold: 1, keys: 1, days: 30, online: true, signs: 'which group runs which bundle' },
  snapshot: { threshold: 1, keys: 1, days: 30, online: true, signs: 'which files belong together' },
  timestamp: { threshold: 1, keys: 1, days: 7, online: true, signs: 'that this is still the newest' },
  time: { threshold: 1, keys: 1, days: 0, online: true, signs: 'the time, for nodes without a clock' },
};

/** What targets delegates, and to whom. `*` never stands for a `/` (TUF §4.5). */
export const DELEGATED_PATHS = { release: 'bundles/*/*', deploy: 'assign/*' } as const;
export type DelegatedRole = keyof typeof DELEGATED_PATHS;

export const isRole = (name: string): name is Role => (ROLES as readonly string[]).includes(name);
export const isDelegated = (role: MetadataRole): role is DelegatedRole => role in DELEGATED_PATHS;

/** `root-2` and `root` are keys of root; undefined for a name that tells no role. */
export function roleOfKeyName(name: string): Role | undefined {
  const role = name.replace(/-[^-]*$/, '');
  return [name, role].find(isRole);
}
