/** The small parts: envelope, back-off, rate, failures, requests. */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { VigieError } from '../../../runtime/core/errors.ts';
import type { StoredRecord } from '../../../runtime/core/messages.ts';
import { type EpochMillis, epochMillis, millis } from '../../../runtime/core/units.ts';
import { Backoff } from '../../../runtime/sinks/mqtt/backoff.ts';
import { parseRequest } from '../../../runtime/sinks/mqtt/command-request.ts';
import { Envelope, isoTime } from '../../../runtime/sinks/mqtt/envelope.ts';
import { failureOf, failureOfCode } from '../../../runtime/sinks/mqtt/failure.ts';
import { Holds } from '../../../runtime/sinks/mqtt/holds.ts';
import { TokenBucket } from '../../../runtime/sinks/mqtt/token-bucket.ts';

const NOW = { wall: epochMillis(0), timeQuality: 'unsynced' } as const;
const ENDPOINT = { url: 'mqtts://b:8883', clientId: 'c', version: 5, username: 'u', now: NOW } as const;

test('the envelope is JSON whatever the names and the body are', () => {
  const body = fc.dictionary(
    fc.string().map((key) => `b${key}`),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(fc.string(), fc.string(), body, fc.constantFrom(0, 2), (site, bootId, content, indent) => {
      const record: StoredRecord = {
        id: 1,
        class: 'event',
        topic: 't',
        bootId,
        seq: 7,
        mono: millis(0),
        wall: epochMillis(86_400_000),
        timeQuality: 'unsynced',
        body: JSON.stringify(content, undefined, indent),
      };
      const expected = {
        site,
        node: 'n"1',
        bootId,
        seq: 7,
        time: '1970-01-02T00:00:00.000Z',
        timeQuality: 'unsynced',
        ...JSON.parse(record.body),
      };
      assert.equal(JSON.parse(new Envelope({ site, node: 'n"1' }).wrap(record)), expected);
    }),
  );
});

test('a time that no calendar has does not stop the queue', () => {
  for (const wall of [Number.NaN, 1e300, -1e300, Number.POSITIVE_INFINITY, 8.64e15, -1]) {
    assert.match(isoTime(wall as EpochMillis), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  }
});

test('what the broker does not take is told in a few words, however much it is', () => {
  const holds = new Holds();
  for (let id = 1; id <= 200; id++) holds.refuse({ id, topic: 'readings' } as StoredRecord, 149, millis(0));
  assert.match(holds.describe(), /^record 1 \(.*, record 3 \(.*, 197 more$/);
  assert.ok(holds.describe().length < 300);
});

test('pauses are drawn between the shortest and a doubling ceiling, and start again after a reset', () => {
  const bounds = { min: millis(1000), max: millis(10_000) };
  const longest = new Backoff(bounds, () => 1);
  assert.equal(
    Array.from({ length: 5 }, () => longest.next()),
    [2000, 4000, 8000, 10_000, 10_000],
  );
  longest.reset();
  assert.is(longest.next(), 2000);
  assert.is(new Backoff(bounds, () => 0).next(), 1000);
});

test('a token bucket never exceeds its rate beyond the burst', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 200 }),
      (rate, gaps) => {
        const bucket = new TokenBucket(rate);
        let now = 0;
        let taken = 0;
        for (const gap of gaps) {
          now += gap;
          if (bucket.take(millis(now)) === 0) taken += 1;
        }
        assert.ok(taken <= Math.max(1, rate * 0.05) + (rate * now) / 1000 + 1e-6);
      },
    ),
  );
});

test('an empty bucket says how long until the next token', () => {
  const bucket = new TokenBucket(10);
  assert.is(bucket.take(millis(0)), 0);
  assert.is(Math.round(bucket.take(millis(0))), 100);
  assert.is(bucket.take(millis(101)), 0);
});

test('failures are sorted by what a person can do about them', () => {
  const coded = (code: string) => Object.assign(new Error('text'), { code });
  const expected: [unknown, string][] = [
    [coded('ENOTFOUND'), 'dns'],
    [coded('ECONNREFUSED'), 'refused'],
    [coded('EHOSTUNREACH'), 'unreachable'],
    [coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'tls'],
    [coded('SELF_SIGNED_CERT_IN_CHAIN'), 'tls'],
    [coded('CERT_NOT_YET_VALID'), 'tls'],
    [new Error('Keepalive timeout'), 'timeout'],
    [new Error('connack timeout'), 'timeout'],
    [new Error('gibberish'), 'protocol'],
  ];
  for (const [error, reason] of expected) assert.is(failureOf(error, ENDPOINT).reason, reason, String(error));
  const early = failureOf(coded('CERT_NOT_YET_VALID'), ENDPOINT).detail;
  assert.match(early, /clock: it says 1970-01-01, which no time server set; .* reaches a time server/);
  const now = { wall: epochMillis(1.8e12), timeQuality: 'synced' } as const;
  const wrong = failureOf(coded('CERT_NOT_YET_VALID'), { ...ENDPOINT, now }).detail;
  assert.match(wrong, /2027-01-15, from a time server; so it is the broker's certificate/);
  for (const code of [4, 134]) assert.is(failureOfCode(code, ENDPOINT).reason, 'credentials');
  for (const code of [5, 135]) assert.is(failureOfCode(code, ENDPOINT).reason, 'not-authorized');
  assert.is(failureOfCode(142, ENDPOINT).reason, 'taken-over');
  assert.is(failureOfCode(149, ENDPOINT).reason, 'packet-too-large');
});

test('foreign bytes are a request or a clear error, never anything else', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((a) => Buffer.from(a)),
    fc.json().map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(bytes, (payload) => {
      try {
        assert.is(parseRequest('x', payload).name, 'x');
      } catch (error) {
        assert.ok(error instanceof VigieError && error.code === 'bad-request', String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test.run();
