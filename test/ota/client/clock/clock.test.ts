import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  floorOf,
  keepKeys,
  NO_EVIDENCE,
  raise,
  type TimeEvidence,
  trustedTime,
} from '../../../../ota/client/clock/time-trust.ts';
import { UpdateClock } from '../../../../ota/client/clock/update-clock.ts';
import { askTime } from '../../../../ota/client/transport/ask-time.ts';
import { OWN_REPOSITORY } from '../../../../ota/client/tuf/policy.ts';
import { readTrustedRoot } from '../../../../ota/client/tuf/trusted-set.ts';
import type { OtaLink } from '../../../../ota/protocol/link.ts';
import { decodeTimeReply, decodeTimeRequest, encodeTimeReply } from '../../../../ota/protocol/time.ts';
import { OtaTopics } from '../../../../ota/protocol/topics.ts';
import { VigieError } from '../../../../runtime/core/errors.ts';
import { epochMillis, millis } from '../../../../runtime/core/units.ts';
import { CrashFs } from '../../../support/crash-fs.ts';
import { makeBundle, Rig, RigClock, RigHub } from '../../../support/ota/update-rig.ts';
import { NOW, signer, TufRepository } from '../../../support/tuf-repository.ts';

const ms = epochMillis;
const NEVER = new AbortController().signal;
const timeSigner = signer('time');

function rootNaming(...names: readonly string[]) {
  const repository = new TufRepository();
  const bytes = repository.publishRoot((root) => {
    for (const name of names) root.keys[signer(name).keyId] = signer(name).json;
    root['x-time'] = { keyids: names.map((name) => signer(name).keyId), threshold: 1 };
  });
  return readTrustedRoot(bytes, OWN_REPOSITORY);
}

function clockOn(clock = new RigClock(), built = 0, fs = new CrashFs()) {
  const updateClock = new UpdateClock({ fs, path: '/clock.json', clock, built: ms(built) });
  updateClock.load();
  return { clock, updateClock, fs };
}

const replyAt = (time: number, by = timeSigner, nonce = new Uint8Array(16)) =>
  decodeTimeReply(encodeTimeReply(nonce, ms(time), { keyId: by.keyId, key: by.key }))!;

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof VigieError) return error.code;
    throw error;
  }
  return 'none';
}

test('case 48: in 1970 the time is the latest signed evidence', () => {
  const { clock, updateClock } = clockOn(new RigClock(), 1000);
  clock.wallMs = 0;
  clock.quality = 'unsynced';
  assert.equal([updateClock.now().trust, updateClock.now().now], ['FLOOR', 1000]);
  updateClock.issued(ms(NOW), rootNaming('time'));
  assert.is(updateClock.now().now, NOW);
  clock.quality = 'synced';
  assert.equal(
    [updateClock.now().trust, updateClock.now().now],
    ['FLOOR', NOW],
    'a set clock before the floor lies',
  );
  assert.match(updateClock.now().conflict ?? '', /before what was signed/);
});

test('case 48: in 2100 the system clock raises no floor, and signed time overrules it', () => {
  const { clock, updateClock, fs } = clockOn();
  const root = rootNaming('time');
  updateClock.issued(ms(NOW), root);
  clock.wallMs = Date.UTC(2100, 0, 1);
  assert.is(updateClock.now().trust, 'NTP');
  assert.is(updateClock.floor, NOW);
  updateClock.learn({ reply: replyAt(NOW + 5000), askedAt: clock.mono() }, root);
  assert.equal([updateClock.now().trust, updateClock.now().now], ['SIGNED', NOW + 5000]);
  assert.match(updateClock.now().conflict ?? '', /off signed time/);
  const later = clockOn(new RigClock(), 0, fs);
  later.clock.quality = 'unsynced';
  assert.equal(
    [later.updateClock.now().trust, later.updateClock.now().now],
    ['FLOOR', NOW + 5000],
    'kept on disk',
  );
});

test('case 48: a jump of the wall clock does not move signed time', () => {
  const { clock, updateClock } = clockOn();
  const root = rootNaming('time');
  updateClock.learn({ reply: replyAt(NOW), askedAt: clock.mono() }, root);
  clock.pass(1000);
  clock.wallMs -= 1e9;
  assert.is(updateClock.now().now, NOW + 1000);
});

test('case 48: a rotated time key voids what the old one signed, and is not believed any more', () => {
  const { clock, updateClock } = clockOn();
  const before = rootNaming('time');
  updateClock.learn({ reply: replyAt(Date.UTC(2090, 0, 1)), askedAt: clock.mono() }, before);
  assert.is(updateClock.now().trust, 'SIGNED');
  const after = rootNaming('time-2');
  updateClock.follow(after);
  assert.equal([updateClock.floor, updateClock.now().trust], [0, 'NTP']);
  assert.is(
    codeOf(() => updateClock.learn({ reply: replyAt(NOW), askedAt: clock.mono() }, after)),
    'ota-signature',
  );
  updateClock.learn({ reply: replyAt(NOW, signer('time-2')), askedAt: clock.mono() }, after);
  assert.is(updateClock.now().now, NOW);
});

test('case 48: a replayed reply answers no new question', async () => {
  const recorded: Uint8Array[] = [];
  const topics = new OtaTopics('plant');
  const root = rootNaming('time');
  const { clock, updateClock } = clockOn();
  let hear: ((topic: string, payload: Uint8Array) => void) | undefined;
  let answer = (nonce: Uint8Array) =>
    encodeTimeReply(nonce, ms(NOW), { keyId: timeSigner.keyId, key: timeSigner.key });
  const link: OtaLink = {
    publish: async (_topic, payload) => {
      const bytes = answer(decodeTimeRequest(payload)!);
      recorded.push(bytes);
      hear?.(topics.timeResponse('press-7'), bytes);
    },
    subscribe: async (_topic, onMessage) => {
      hear = onMessage;
      return () => {};
    },
  };
  const ask = () => {
    const accept = (reply: Parameters<typeof updateClock.accepts>[0]) => updateClock.accepts(reply, root);
    const patience = millis(20);
    return askTime({ link, topics, node: 'press-7', now: clock.mono, accept, patience, attempts: 2 }, NEVER);
  };
  updateClock.learn(await ask(), root);
  assert.is(updateClock.now().trust, 'SIGNED');
  answer = () => recorded[0]!;
  const error = await ask().catch((reason) => reason);
  assert.is(error.code, 'ota-transport');
});

test('case 48: signed time before the floor is refused', () => {
  const { clock, updateClock } = clockOn();
  const root = rootNaming('time');
  updateClock.issued(ms(NOW), root);
  assert.is(
    codeOf(() => updateClock.learn({ reply: replyAt(NOW - 1), askedAt: clock.mono() }, root)),
    'ota-time-reply',
  );
  assert.is(updateClock.now().trust, 'NTP');
});

test('case 48: a node in 1970 stages, and tries when the time is known; offlineOk tries at once', async () => {
  for (const offlineOk of [false, true]) {
    const hub = new RigHub();
    hub.add(makeBundle(1));
    hub.assign([{ release: 1, offlineOk }]);
    const disk = new CrashFs();
    disk.makeDirectory('/data');
    const clock = new RigClock();
    clock.wallMs = 0;
    clock.quality = 'unsynced';
    const rig = new Rig(disk, hub, { clock });
    await rig.updater.start();
    await rig.update();
    assert.is(rig.model?.active?.release, offlineOk ? 1 : undefined);
    assert.is(rig.model?.staged?.release, offlineOk ? undefined : 1);
    clock.wallMs = NOW;
    clock.quality = 'synced';
    await rig.runTrial();
    assert.is(rig.model?.active?.release, 1);
    await rig.updater.stop();
  }
});

test('case 48: what expired by the time that its own timestamp tells is refused in 1970 as well', async () => {
  const hub = new RigHub();
  hub.add(makeBundle(1));
  hub.repository.says.targets.expires = '2026-06-01T00:00:00Z';
  hub.repository.says.timestamp['x-issued'] = '2027-01-01T00:00:00Z';
  hub.assign([{ release: 1 }]);
  const disk = new CrashFs();
  disk.makeDirectory('/data');
  const clock = new RigClock();
  clock.wallMs = 0;
  clock.quality = 'unsynced';
  const rig = new Rig(disk, hub, { clock });
  await rig.updater.start();
  const error = await rig.updater.check().catch((reason) => reason);
  assert.is(error.code, 'ota-expired');
  assert.is(rig.updater.status().timeTrust, 'FLOOR');
  await rig.updater.stop();
});

test('I-7: whatever comes in whatever order, the floor only rises while the keys stay, by signed evidence alone', () => {
  const steps = fc.array(
    fc.record({
      source: fc.constantFrom('timestamp' as const, 'time' as const),
      time: fc.nat(1e6),
      wall: fc.nat(1e9),
    }),
  );
  fc.assert(
    fc.property(steps, (all) => {
      let evidence: TimeEvidence = NO_EVIDENCE;
      let most = 0;
      for (const { source, time, wall } of all) {
        evidence = raise(evidence, source, 'k', ms(time));
        most = Math.max(most, time);
        const read = trustedTime(floorOf(evidence, ms(0)), undefined, {
          mono: millis(0),
          wall: ms(wall),
          synced: true,
        });
        assert.is(floorOf(evidence, ms(0)), most);
        assert.ok(read.now >= most, 'the time is never before the floor');
      }
      assert.is(keepKeys(evidence, 'time', 'other').time, null);
    }),
  );
});

test.run();
