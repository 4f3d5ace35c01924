/** One publication for a whole fleet: the blocks of blobs, each sent once to whoever listens. */

import { InputError } from '../../../runtime/core/errors.ts';
import { type Millis, seconds } from '../../../runtime/core/units.ts';
import type { AnnouncedBlob } from '../../protocol/announce.ts';
import { MOST_CONTENT } from '../../protocol/frames.ts';
import type { OtaLink } from '../../protocol/link.ts';
import type { OpenFile, PublicTree } from '../../protocol/public-tree.ts';
import type { OtaTopics } from '../../protocol/topics.ts';

export interface BroadcastTiming {
  /** From the announcement to the small blobs: nodes subscribe. */
  readonly lead: Millis;
  /** From the small blobs to the large ones: nodes look for the update, each at a moment of its own. */
  readonly settle: Millis;
  readonly bytesPerSecond: number;
}

export const BROADCAST_TIMING: BroadcastTiming = {
  lead: seconds(3),
  settle: seconds(40),
  bytesPerSecond: 4 * 1024 * 1024,
};

export interface BroadcastOptions {
  readonly link: OtaLink;
  readonly topics: OtaTopics;
  readonly tree: PublicTree;
  readonly pause: (ms: number) => Promise<void>;
  readonly now: () => number;
  readonly timing: BroadcastTiming;
  readonly announce: (blobs: readonly AnnouncedBlob[]) => Promise<void>;
  readonly onProgress: (sent: number, total: number) => void;
}

/** Publications that the socket has not taken yet. */
const AT_ONCE = 4;

/**
 * @param blobs SHA-256 of each.
 * @returns bytes of content sent. @throws InputError `ota-no-blob`; DeliveryError `ota-transport`; what `pause` throws.
 */
export async function broadcast(blobs: readonly string[], options: BroadcastOptions): Promise<number> {
  const { tree, timing, pause, announce, onProgress } = options;
  const listed = await Promise.all([...new Set(blobs)].map((sha256) => describe(tree, sha256)));
  const small = listed.filter(({ length }) => length <= MOST_CONTENT);
  const large = listed.filter(({ length }) => length > MOST_CONTENT);
  const total = listed.reduce((sum, { length }) => sum + length, 0);
  let sent = 0;
  const progress = (bytes: number) => {
    sent += bytes;
    onProgress(sent, total);
  };
  // An announcement has room for so many: the large ones are what it saves most.
  await announce([...large, ...small]);
  try {
    await pause(timing.lead);
    for (const blob of small) await sendBlob(blob, options, progress);
    if (large.length > 0) await pause(timing.settle);
    for (const blob of large) await sendBlob(blob, options, progress);
  } finally {
    await announce([]);
  }
  return sent;
}

async function describe(tree: PublicTree, sha256: string): Promise<AnnouncedBlob> {
  const file = await opened(tree, sha256);
  await file.close();
  return { sha256, length: file.length };
}

async function opened(tree: PublicTree, sha256: string): Promise<OpenFile> {
  const file = await tree.blob(sha256);
  if (file) return file;
  throw new InputError('ota-no-blob', `the repository has no blob ${sha256} to broadcast`, {
    facts: { sha256 },
  });
}

async function sendBlob(
  { sha256, length }: AnnouncedBlob,
  { link, topics, tree, pause, now, timing }: BroadcastOptions,
  progress: (bytes: number) => void,
): Promise<void> {
  const file = await opened(tree, sha256);
  const underway = new Set<Promise<void>>();
  const began = now();
  try {
    for (let at = 0, index = 0; at < length; at += MOST_CONTENT, index++) {
      const block = new Uint8Array(Math.min(MOST_CONTENT, length - at));
      await file.read(block, at);
      const sending = link.publish(topics.block(sha256, index), block, { qos: 0, retain: false });
      underway.add(sending);
      // A rejection is thrown below, by whoever waits.
      sending.then(
        () => underway.delete(sending),
        () => undefined,
      );
      progress(block.length);
      if (underway.size >= AT_ONCE) await Promise.race(underway);
      const ahead = ((at + block.length) * 1000) / timing.bytesPerSecond - (now() - began);
      if (ahead > 1) await pause(ahead);
    }
    await Promise.all(underway);
  } finally {
    await file.close();
  }
}
