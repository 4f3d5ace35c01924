/** What may happen to a repository between two visits: honest work, mistakes, and an attacker who holds some of the keys. */

import type { Random } from '../../../../simulator/random.ts';
import { pin, type Says, signer, type TufRepository } from '../../../support/tuf-repository.ts';

export const PATHS = ['a', 'b/x', 'b/y.json', 'c/x', 'c/d/x', 'nothing'];
const PATTERNS = ['*', 'b/*', 'c/*', 'b/*.json', 'c/?/x', 'a'];
const ROLES = ['one', 'two', 'three'];
const EXPIRED = '2001-01-01T00:00:00Z';
const GOOD = '2099-01-01T00:00:00Z';

export interface Story {
  readonly repository: TufRepository;
  readonly random: Random;
  /** What was served at any time, by path. */
  readonly past: Map<string, Uint8Array[]>;
  keys: number;
}

type Event = (story: Story) => void;

const targetRoles = ({ repository }: Story) => [
  'targets',
  ...ROLES.filter((role) => role in repository.says),
];
const anyRole = (story: Story) => story.random.pick(['timestamp', 'snapshot', ...targetRoles(story)]);
const anyPath = ({ repository, random }: Story) => random.pick([...repository.served.keys()]);

/** Changes what a role says, publishes it, and changes it back: the attacker had the key once. */
function once(story: Story, role: string, change: (says: Says) => void): void {
  const { repository } = story;
  const { version, ...honest } = structuredClone(repository.says[role]);
  change(repository.says[role]);
  repository.publish(...targetRoles(story));
  repository.says[role] = { ...honest, version: Math.max(version, repository.says[role].version) };
}

const HONEST: readonly Event[] = [
  (story) => story.repository.publish(...targetRoles(story)),
  ({ repository }) => repository.publish('targets'),
  ({ repository }) => repository.sign('timestamp'),
  ({ repository }) => repository.publishRoot(),
  (story) => {
    const role = story.random.pick(targetRoles(story));
    const content = 'x'.repeat(1 + Math.floor(story.random.next() * 50));
    story.repository.addTarget(story.random.pick(PATHS.slice(0, -1)), content, role);
    story.repository.publish(...targetRoles(story));
  },
  (story) => {
    const { repository, random } = story;
    const role = ROLES.find((name) => !(name in repository.says));
    if (!role) return;
    const by = random.pick(targetRoles(story));
    repository.delegate(role, { by, paths: [random.pick(PATTERNS)], terminating: random.next() < 0.3 });
    repository.publish(...targetRoles(story));
  },
  ({ repository }) => {
    // Both at once: after one alone tuf-js keeps the stored copy that §5.3.11 says to delete.
    for (const role of ['timestamp', 'snapshot'])
      repository.setKeys(role, [signer(`${role}-${repository.says.root.version}`)]);
    repository.publishRoot();
    repository.publish();
  },
  (story) => {
    const { repository, random } = story;
    const before = repository.signers.root!;
    const after = [0, 1, 2].map(() => signer(`root-${story.keys++}`));
    const threshold = 1 + Math.floor(random.next() * 3);
    repository.setKeys('root', after, threshold);
    repository.signers.root = [...before, ...after];
    repository.publishRoot();
    repository.signers.root = after;
  },
];

const HOSTILE: readonly Event[] = [
  (story) =>
    once(story, anyRole(story), (says) => {
      says.expires = EXPIRED;
    }),
  // Not of snapshot: under one version it would have two contents, of which tuf-js keeps the first, whatever is listed.
  (story) =>
    once(story, story.random.pick(['timestamp', ...targetRoles(story)]), (says) => {
      says.version -= 2;
    }),
  ({ repository }) => {
    const version = repository.says.snapshot.version - 1;
    const bytes = repository.served.get(`${version}.snapshot.json`);
    if (!bytes) return;
    repository.says.timestamp.meta['snapshot.json'] = pin(version, bytes);
    repository.says.timestamp.version++;
    repository.sign('timestamp');
  },
  (story) =>
    once(story, anyRole(story), (says) => {
      says.version += 5;
    }),
  (story) =>
    once(story, anyRole(story), (says) => {
      says._type = 'mirrors';
    }),
  (story) =>
    once(story, anyRole(story), (says) => {
      says.spec_version = '2.0';
    }),
  (story) => {
    const { repository, random } = story;
    const role = anyRole(story);
    const before = repository.signers[role]!;
    repository.signers[role] = random.next() < 0.5 ? before.slice(1) : [signer('mallory')];
    repository.publish(...targetRoles(story));
    repository.signers[role] = before;
  },
  (story) => {
    const { repository, random } = story;
    const { meta } = repository.says.snapshot;
    const file = random.pick(Object.keys(meta));
    if (file === undefined) return;
    if (random.next() < 0.5) meta[file].version += random.next() < 0.5 ? 1 : -1;
    else meta[file].hashes.sha256 = '0'.repeat(64);
    repository.says.snapshot.version++;
    repository.sign('snapshot');
    repository.says.timestamp.version++;
    repository.sign('timestamp');
  },
  ({ repository, random }) => {
    const { meta } = repository.says.snapshot;
    delete meta[random.pick(Object.keys(meta))];
    repository.says.snapshot.version++;
    repository.sign('snapshot');
    repository.says.timestamp.version++;
    repository.sign('timestamp');
  },
  (story) => {
    const path = anyPath(story);
    if (path !== '1.root.json') story.repository.served.delete(path);
  },
  (story) => {
    const path = anyPath(story);
    const bytes = story.random.pick(story.past.get(path) ?? [story.repository.served.get(path)!]);
    story.repository.served.set(path, bytes);
  },
  (story) => {
    const path = anyPath(story);
    const bytes = new Uint8Array(story.repository.served.get(path)!);
    // The lowest bit alone: no lower-case digit becomes an upper-case one, which tuf-js takes for the same.
    bytes[Math.floor(story.random.next() * bytes.length)]! ^= 1;
    if (path !== '1.root.json') story.repository.served.set(path, bytes);
  },
  ({ repository }) => {
    const before = repository.signers.root!;
    repository.signers.root = before.slice(0, 1);
    repository.publishRoot();
    repository.signers.root = before;
  },
];

/** One to three events. */
export function happen(story: Story): void {
  const { repository, random, past } = story;
  for (let i = 1 + Math.floor(random.next() * 3); i > 0; i--) {
    for (const [path, bytes] of repository.served)
      past.set(path, [...(past.get(path) ?? []).slice(-5), bytes]);
    random.pick(random.next() < 0.6 ? HONEST : HOSTILE)(story);
  }
}

/** So that the machine's clock, whatever it says, agrees with the tests' one. */
export function agelessly(repository: TufRepository): void {
  for (const says of Object.values(repository.says)) says.expires = GOOD;
}
