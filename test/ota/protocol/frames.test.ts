/** Requests and responses as bytes: what is written is read, and anything else is refused without an error. */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  MOST_CONTENT,
  type Request,
  type Response,
} from '../../../ota/protocol/frames.ts';
import { fuzzFrames } from './fuzz/fuzz-frames.ts';

const id = fc.nat(0xffff_ffff);
const offset = fc.maxSafeNat();
const hash = fc.stringMatching(/^[0-9a-f]{64}$/);
const request: fc.Arbitrary<Request> = fc.record({
  id,
  offset,
  length: fc.integer({ min: 1, max: MOST_CONTENT }),
  subject: fc.oneof(
    hash.map((blob) => ({ blob })),
    fc
      .stringMatching(/^([1-9][0-9]{0,15}\.)?[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.json$/)
      .map((metadata) => ({ metadata })),
  ),
});
const response: fc.Arbitrary<Response> = fc
  .record({ id, total: fc.nat(2 ** 31), at: fc.nat(2 ** 31), bytes: fc.uint8Array({ maxLength: 2000 }) })
  .map(({ total, at, bytes, ...rest }) => ({
    ...rest,
    status: 'ok',
    offset: at,
    total: total + at + bytes.length,
    bytes: Buffer.from(bytes),
  }));

test('a request is read as it was written', () => {
  fc.assert(fc.property(request, (it) => assert.equal(decodeRequest(encodeRequest(it)), { ...it })));
});

test('a response is read as it was written', () => {
  fc.assert(
    fc.property(response, (it) => {
      const { bytes, ...head } = decodeResponse(encodeResponse(it))!;
      assert.equal(head, { id: it.id, status: it.status, total: it.total, offset: it.offset });
      assert.ok(Buffer.compare(bytes, it.bytes) === 0);
    }),
  );
});

test('any bytes are read or refused, and what is read can be written again', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fuzzFrames), { numRuns: 3000 });
});

test('no name on the wire is a path', () => {
  for (const name of [
    '../root.json',
    '/etc/x.json',
    'a/b.json',
    'root.json\0',
    '..json',
    '0.root.json',
    'x',
    '',
  ]) {
    const frame = encodeRequest({ id: 1, subject: { metadata: name }, offset: 0, length: 1 });
    assert.is(decodeRequest(frame), undefined, JSON.stringify(name));
  }
});

test('lengths and offsets out of their bounds are refused before anything is made for them', () => {
  const frame = Buffer.from(
    encodeRequest({ id: 1, subject: { blob: 'a'.repeat(64) }, offset: 0, length: 1 }),
  );
  for (const length of [0, MOST_CONTENT + 1, 0xffff_ffff]) {
    frame.writeUInt32BE(length, 14);
    assert.is(decodeRequest(frame), undefined);
  }
  frame.writeUInt32BE(1, 14);
  frame.fill(0xff, 6, 14);
  assert.is(decodeRequest(frame), undefined);
  const response = { id: 1, status: 'ok', total: 5, offset: 4, bytes: new Uint8Array(2) } as const;
  assert.is(decodeResponse(encodeResponse(response)), undefined, 'content behind the end of its file');
  const long = {
    id: 1,
    status: 'ok',
    total: 1e6,
    offset: 0,
    bytes: new Uint8Array(MOST_CONTENT + 1),
  } as const;
  assert.is(decodeResponse(encodeResponse(long)), undefined);
  const busy = { id: 1, status: 'busy', total: 1e6, offset: 0, bytes: new Uint8Array(1) } as const;
  assert.is(decodeResponse(encodeResponse(busy)), undefined, 'content where there is none');
});

test.run();
