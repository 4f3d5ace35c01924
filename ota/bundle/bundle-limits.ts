/** Bounds of bundles, and the names of their targets: what publisher, hub and node agree on. */

/** Of one hash in a block map. */
export const HASH_BYTES = 32;
export const MOST_BUNDLE_BYTES = 65_536;
export const MOST_ASSIGNMENT_BYTES = 65_536;
/** Of one file; its block map is then 1 MiB. */
export const MOST_FILE_BYTES = 2 * 1024 ** 3;
export const MOST_FILES = 256;
/** Half of all files may have one; bundle.json would not hold more. */
export const MOST_DELTAS = 128;

/** Of a file in a bundle, and of a target. No archive is ever unpacked: files lie in the store by their hash. */
export const BUNDLE_PATH = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(\/[A-Za-z0-9][A-Za-z0-9._-]{0,63}){0,3}$/;
/** Of a bundle, as of a model in its manifest. */
export const BUNDLE_NAME = /^[a-z0-9][a-z0-9.-]{0,63}$/;
/** Of a group of nodes: the name of its assignment's target. */
export const GROUP_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,58}$/;
export const SHA256 = /^[0-9a-f]{64}$/;

export const bundleTarget = (name: string, release: number) => `bundles/${name}/${release}.json`;
export const assignmentTarget = (group: string) => `assign/${group}.json`;
