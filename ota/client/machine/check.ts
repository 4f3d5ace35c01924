/** S-CHECK: one look at the repository, from the time and trusted metadata to what is staged. */

import { describeError, UpdateError, VigieError } from '../../../runtime/core/errors.ts';
import type { Log } from '../../../runtime/core/log.ts';
import type { AssignedRelease, Assignment } from '../../bundle/assignment.ts';
import { assignmentTarget, bundleTarget, MOST_ASSIGNMENT_BYTES } from '../../bundle/bundle-limits.ts';
import { readAssignment } from '../../bundle/read-assignment.ts';
import { assignedTo } from '../../bundle/wave.ts';
import type { TimeReply } from '../../protocol/time.ts';
import type { AnsweredTime, UpdateClock } from '../clock/update-clock.ts';
import { fetchSmall } from '../store/fetch-blob.ts';
import type { UpdateStore } from '../store/update-store.ts';
import type { TufClient } from '../tuf/client.ts';
import type { Root } from '../tuf/metadata.ts';
import { OWN_REPOSITORY } from '../tuf/policy.ts';
import type { TrustedRepository } from '../tuf/trusted-repository.ts';
import { readTrustedRoot } from '../tuf/trusted-set.ts';
import { type InstallParts, type InstallResult, install } from './install.ts';
import { abandon, refuse } from './record.ts';

export type AskTime = (accept: (reply: TimeReply) => boolean, signal: AbortSignal) => Promise<AnsweredTime>;

export interface CheckParts extends InstallParts {
  readonly store: UpdateStore;
  readonly client: TufClient;
  readonly clock: UpdateClock;
  readonly factoryRoot: Uint8Array;
  /** Absent where nobody can be asked: an import from a directory. */
  readonly askTime: AskTime | undefined;
  readonly node: string;
  readonly group: string;
  readonly log: Log;
}

export interface CheckResult {
  readonly versions: Readonly<Record<string, number>>;
  readonly assignment: Assignment | undefined;
  readonly models: readonly (InstallResult & { readonly name: string; readonly release: number })[];
  /** Of single models; the others went on. */
  readonly failures: readonly { readonly name: string; readonly error: VigieError }[];
}

/** @throws as TufClient.refresh and BlobSource.fetch: nothing was learned of any model then. */
export async function check(parts: CheckParts, signal: AbortSignal): Promise<CheckResult> {
  await learnTime(parts, signal);
  const repository = await refresh(parts, signal);
  const assignment = await readGroup(parts, repository, signal);
  const models: (InstallResult & { name: string; release: number })[] = [];
  const failures: { name: string; error: VigieError }[] = [];
  const assigned = assignment ? assignedTo(assignment, parts.node) : [];
  dropUnassigned(parts, assigned);
  for (const one of assigned) {
    const { name, release } = one;
    try {
      const result = await installOne(parts, repository, one, assignment!, signal);
      models.push({ name, release, ...result });
    } catch (error) {
      if (signal.aborted || !(error instanceof VigieError)) throw error;
      parts.log.warn({ event: 'ota.install.failed', model: name, release, err: error }, describeError(error));
      failures.push({ name, error });
    }
  }
  return { versions: repository.versions, assignment, models, failures };
}

/** The root that is trusted now, from the store or the factory. @throws UpdateError `ota-no-root` */
export function trustedRoot({ store, factoryRoot }: Pick<CheckParts, 'store' | 'factoryRoot'>): Root {
  for (const bytes of [store.trust.read('root.json'), factoryRoot]) {
    try {
      if (bytes) return readTrustedRoot(bytes, OWN_REPOSITORY);
    } catch (error) {
      if (!(error instanceof UpdateError)) throw error;
    }
  }
  throw new UpdateError('ota-no-root', 'neither the stored root.json nor the factory root can be read');
}

async function learnTime(parts: CheckParts, signal: AbortSignal): Promise<void> {
  const { clock, askTime, log } = parts;
  const root = trustedRoot(parts);
  clock.follow(root);
  if (!askTime || !root.time || clock.isFresh) return;
  try {
    clock.learn(await askTime((reply) => clock.accepts(reply, root), signal), root);
  } catch (error) {
    if (signal.aborted || !(error instanceof VigieError)) throw error;
    log.info({ event: 'ota.time.unanswered', err: error }, 'goes on without signed time');
  }
}

async function refresh(parts: CheckParts, signal: AbortSignal): Promise<TrustedRepository> {
  const { clock, client } = parts;
  const judgedBy = clock.now().now;
  let repository: TrustedRepository;
  try {
    repository = await client.refresh(judgedBy, signal);
  } finally {
    keepEvidence(parts);
  }
  // What was just signed tells the time as well, and some of the rest may have expired by it.
  const { now } = clock.now();
  return now > judgedBy && clock.now().trust === 'FLOOR' ? client.refresh(now, signal) : repository;
}

/** Good signatures tell the time even where the rest of a refresh failed. @throws StorageError */
function keepEvidence(parts: CheckParts): void {
  const root = trustedRoot(parts);
  parts.clock.follow(root);
  const { issued } = parts.client;
  if (issued !== undefined) parts.clock.issued(issued, root);
}

async function readGroup(
  { source, group }: CheckParts,
  repository: TrustedRepository,
  signal: AbortSignal,
): Promise<Assignment | undefined> {
  const target = await repository.target(assignmentTarget(group));
  if (!target) return undefined;
  return readAssignment(await fetchSmall(source, target, signal, MOST_ASSIGNMENT_BYTES), group);
}

/** What is on its way, or waits for its trial, and is wanted no more: a rollout that was stopped. */
function dropUnassigned({ records }: CheckParts, assigned: readonly AssignedRelease[]): void {
  for (const record of records.all()) {
    const { target, name } = record;
    if (target && !assigned.some((one) => one.name === name && one.release === target.release)) {
      records.put(abandon(record));
    }
  }
}

async function installOne(
  parts: CheckParts,
  repository: TrustedRepository,
  assigned: AssignedRelease,
  assignment: Assignment,
  signal: AbortSignal,
): Promise<InstallResult> {
  const path = bundleTarget(assigned.name, assigned.release);
  const target = await repository.target(path);
  if (!target) {
    throw new UpdateError('ota-missing', `the assignment names ${path}, which no release key signed`, {
      facts: { path },
    });
  }
  try {
    return await install(parts, { assigned, target, blocked: assignment.blocked }, signal);
  } catch (error) {
    if (!(error instanceof UpdateError) || error.retryable || error.code === 'ota-wrong-order') throw error;
    // Signed, and wrong for good: a bundle.json that says nothing, a block map that contradicts.
    const { records } = parts;
    const { code, message: reason } = error;
    const refused = { release: assigned.release, digest: target.sha256, code, reason };
    // A format that is too new is not wrong: it waits for a newer vigie.
    records.put(refuse(records.get(assigned.name), refused, code !== 'ota-incompatible'));
    return { result: 'refused', code, reason };
  }
}
