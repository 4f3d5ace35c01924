/** Topics, announcements, the time, and repositories as folders. */

import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, verify } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeAnnouncement, encodeAnnouncement } from '../../../ota/protocol/announce.ts';
import { PublicTree } from '../../../ota/protocol/public-tree.ts';
import {
  decodeTimeReply,
  decodeTimeRequest,
  encodeTimeReply,
  encodeTimeRequest,
  newNonce,
} from '../../../ota/protocol/time.ts';
import { OtaTopics } from '../../../ota/protocol/topics.ts';
import { epochMillis } from '../../../runtime/core/units.ts';
import { PublicFolder } from '../../support/ota/public-folder.ts';

const SHA = 'ab'.repeat(32);

test('topics say which node and which block they are about', () => {
  const topics = new OtaTopics('north');
  assert.is(topics.request('pumps'), 'vigie/north/ota/v1/req/pumps');
  for (const topic of [topics.request('pumps'), topics.timeRequest('pumps'), topics.state('pumps')])
    assert.is(topics.nodeOf(topic), 'pumps');
  assert.equal(topics.blockOf(topics.block(SHA, 17)), { sha256: SHA, index: 17 });
  for (const tail of [
    `${SHA}/017`,
    `${SHA}/-1`,
    `${SHA}/1e3`,
    `${SHA}/999999999`,
    `${SHA}/1/2`,
    `${SHA}`,
    'AB/1',
  ])
    assert.is(topics.blockOf(`${topics.root}/blob/${tail}`), undefined, tail);
  for (const topic of ['vigie/south/ota/v1/req/pumps', `${topics.root}/req/a/b`, `${topics.root}/res/pumps`])
    assert.is(topics.nodeOf(topic), undefined, topic);
});

test('no name can leave its level of the topic', () => {
  for (const name of ['', '+', '#', 'a/b', '../x', 'a b', 'x'.repeat(65)]) {
    assert.throws(() => new OtaTopics(name), /cannot be a level/);
    assert.throws(() => new OtaTopics('site').request(name), /cannot be a level/);
  }
});

test('an announcement is read as it was written; a poisoned one is none', () => {
  const announcement = { timestamp: SHA, broadcast: [{ sha256: SHA, length: 70_000 }] };
  assert.equal(decodeAnnouncement(encodeAnnouncement(announcement)), announcement);
  const many = Array.from({ length: 65 }, () => ({ sha256: SHA, length: 1 }));
  const poisoned: unknown[] = [
    null,
    [],
    { ...announcement, schema: 'vigie.ota-announce/2' },
    { schema: 'vigie.ota-announce/1', timestamp: SHA, broadcast: many },
    { schema: 'vigie.ota-announce/1', timestamp: SHA, broadcast: [{ sha256: SHA, length: -1 }] },
    { schema: 'vigie.ota-announce/1', timestamp: SHA, broadcast: [{ sha256: '../x', length: 1 }] },
    { schema: 'vigie.ota-announce/1', timestamp: SHA, broadcast: { length: 0 } },
  ];
  for (const one of poisoned) assert.is(decodeAnnouncement(Buffer.from(JSON.stringify(one))), undefined);
  assert.is(decodeAnnouncement(Buffer.from('{"a":'.repeat(3000))), undefined);
  assert.is(decodeAnnouncement(Buffer.alloc(20_000, 0x20)), undefined);
  assert.is(decodeAnnouncement(Buffer.from([0xff, 0xfe])), undefined);
});

test('a time reply carries what was signed, bound to its nonce', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const nonce = newNonce();
  const bytes = encodeTimeReply(nonce, epochMillis(1_700_000_000_123), { keyId: SHA, key: privateKey });
  const reply = decodeTimeReply(bytes)!;
  assert.is(reply.time, 1_700_000_000_123);
  assert.is(reply.keyId, SHA);
  assert.ok(Buffer.compare(reply.nonce, nonce) === 0);
  assert.ok(verify(null, reply.signed, publicKey, reply.signature));
  for (let at = 1; at < 25; at++) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1;
    const other = decodeTimeReply(changed);
    assert.not.ok(other && verify(null, other.signed, publicKey, other.signature), `byte ${at}`);
  }
  assert.is(decodeTimeReply(bytes.subarray(1)), undefined);
  assert.ok(Buffer.compare(decodeTimeRequest(encodeTimeRequest(nonce))!, nonce) === 0);
  assert.is(decodeTimeRequest(nonce), undefined);
});

test('a folder gives what is named by its alphabet, and follows neither links nor pipes', async () => {
  const folder = new PublicFolder();
  const tree = new PublicTree(folder.directory);
  try {
    const sha256 = folder.blob(Buffer.from('content'));
    folder.metadata('timestamp.json', '{}');
    writeFileSync(join(folder.directory, 'secret.json'), 'x');
    symlinkSync('../secret.json', join(folder.directory, 'metadata', '3.root.json'));
    mkdirSync(join(folder.directory, 'metadata', '4.root.json'));
    execFileSync('mkfifo', [join(folder.directory, 'metadata', '5.root.json')]);
    const file = (await tree.blob(sha256))!;
    const bytes = new Uint8Array(20);
    assert.is(file.length, 7);
    assert.is(await file.read(bytes, 3), 4);
    await file.close();
    for (const name of ['3.root.json', '4.root.json', '5.root.json', '../secret.json', '6.root.json'])
      assert.is(await tree.metadata(name), undefined, name);
    assert.is(await tree.blob('../secret.json'), undefined);
    assert.is(await tree.blob(sha256.toUpperCase()), undefined);
  } finally {
    folder.remove();
  }
});

test.run();
