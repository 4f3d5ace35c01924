/**
 * Fuzzes what reads messages and deltas: `bin/node test/ota/protocol/fuzz/fuzz-transport.ts frames|delta SECONDS FOLDER`.
 * Bytes of good messages are changed, cut, doubled and joined. Ends with status 1 at the first input that is neither read
 * nor refused properly, or takes too long; the input is in FOLDER as `failed`.
 */

import { COPY, encodeHead, NEW, SUB } from '../../../../ota/bundle/delta/format.ts';
import { encodeAnnouncement } from '../../../../ota/protocol/announce.ts';
import { encodeRequest, encodeResponse } from '../../../../ota/protocol/frames.ts';
import { encodeTimeRequest, newNonce } from '../../../../ota/protocol/time.ts';
import { encodeDelta } from '../../../../ota/publish/delta/make-delta.ts';
import type { Random } from '../../../../simulator/random.ts';
import { fuzzLoop } from '../../../support/fuzz-loop.ts';
import { randomBytes } from '../../../support/ota/public-folder.ts';
import { fuzzDelta } from '../../bundle/delta/fuzz/fuzz-delta.ts';
import { fuzzFrames } from './fuzz-frames.ts';

const [, , target = 'frames', seconds = '600', folder = `build/fuzz/${target}`] = process.argv;
const blob = 'ab'.repeat(32);
const segments = [COPY, SUB, NEW].map((kind) => encodeHead({ kind, length: 1000, from: 50 } as never));
const SEEDS: Readonly<Record<string, readonly Uint8Array[]>> = {
  frames: [
    encodeRequest({ id: 7, subject: { blob }, offset: 65_536, length: 65_536 }),
    encodeRequest({ id: 7, subject: { metadata: '3.root.json' }, offset: 0, length: 100 }),
    encodeResponse({ id: 7, status: 'ok', total: 100, offset: 50, bytes: randomBytes(50) }),
    encodeResponse({ id: 7, status: 'absent', total: 0, offset: 0, bytes: new Uint8Array(0) }),
    encodeAnnouncement({ timestamp: blob, broadcast: [{ sha256: blob, length: 70_000 }] }),
    encodeTimeRequest(newNonce()),
    Buffer.from(`${blob}/12`),
  ],
  delta: [
    ...segments,
    Buffer.concat([...segments, randomBytes(1000)]),
    await encodeDelta(randomBytes(9000), randomBytes(9000)),
  ],
};
const seeds = SEEDS[target]!;
await fuzzLoop({
  seconds: Number(seconds),
  folder,
  next: (random, run) => {
    const bytes = changed(random.pick(seeds), random, run);
    return { bytes, read: () => (target === 'delta' ? fuzzDelta(bytes) : fuzzFrames(bytes)) };
  },
});

function changed(bytes: Uint8Array, random: Random, run: number): Uint8Array {
  let result = Buffer.from(bytes);
  for (let i = random.next() * 5; i > 0; i--) {
    const at = Math.floor(random.next() * (result.length + 1));
    const kind = random.next();
    if (kind < 0.5 && at < result.length)
      result[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.next() * 256]);
    else if (kind < 0.65) result = result.subarray(0, at);
    else if (kind < 0.8)
      result = Buffer.concat([result.subarray(0, at), random.pick(seeds), result.subarray(at)]);
    else
      result = Buffer.concat([
        result.subarray(0, at),
        randomBytes(random.next() * 20, run),
        result.subarray(at),
      ]);
  }
  return result;
}
