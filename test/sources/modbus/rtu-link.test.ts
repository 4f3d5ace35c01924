import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { serialLine } from '../../../runtime/config/schema/port.ts';
import { millis } from '../../../runtime/core/units.ts';
import { Client, loadModbus } from '../../../runtime/sources/modbus/client.ts';
import type { Outcome } from '../../../runtime/sources/modbus/exchange.ts';
import { characterTime, frameGap, RtuLink } from '../../../runtime/sources/modbus/rtu-link.ts';
import { rtu } from './device.ts';

const line = serialLine.parse({ path: '/dev/null', baudRate: 19_200, parity: 'even' });
const Modbus = await loadModbus();

function open() {
  const counts = { discarded: 0, lost: 0 };
  const handle = { write: () => {}, close: async () => {} };
  const events = {
    lost: () => {
      counts.lost += 1;
    },
    sent: () => {},
    received: () => {},
    discarded: (frames: number) => {
      counts.discarded += frames;
    },
  };
  const link = new RtuLink(handle, line, events);
  return { link, client: new Client(Modbus, link), counts };
}

const ask = (client: Client): Promise<Outcome> =>
  client.exchange(0, 7, { fn: 3, address: 0, count: 2 }, millis(20_000));
const answer = rtu(Uint8Array.from([7, 3, 4, 1, 2, 3, 4]));

/** `bytes` cut at these places. */
function* chunks(bytes: Buffer, cuts: readonly number[]): Generator<Buffer> {
  let from = 0;
  for (const cut of [...new Set(cuts.map((n) => n % (bytes.length + 1)))].sort((a, b) => a - b)) {
    if (cut > from) yield bytes.subarray(from, cut);
    from = Math.max(from, cut);
  }
  yield bytes.subarray(from);
}

test('an answer is taken in any pieces, after any noise', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 40 }),
      fc.array(fc.nat(100), { maxLength: 6 }),
      async (noise, cuts) => {
        const { link, client } = open();
        const outcome = ask(client);
        for (const chunk of chunks(Buffer.concat([noise, answer]), cuts)) link.take(chunk);
        assert.equal(await outcome, { kind: 'answer', data: Buffer.from([1, 2, 3, 4]) });
        await link.close();
      },
    ),
    { numRuns: 200 },
  );
});

test('random bytes end in a fault or in waiting, never in a value or a crash', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 700 }),
      fc.array(fc.nat(700), { maxLength: 6 }),
      async (noise, cuts) => {
        const { link, client } = open();
        const outcome = ask(client);
        for (const chunk of chunks(Buffer.from(noise), cuts)) link.take(chunk);
        await link.close();
        assert.is((await outcome).kind, 'disconnected');
      },
    ),
    { numRuns: 200 },
  );
});

test('what comes while nobody waits does not meet the next request', async () => {
  const { link, client, counts } = open();
  link.take(answer.subarray(0, 5));
  const outcome = ask(client);
  link.take(answer.subarray(5));
  link.take(answer);
  assert.equal(await outcome, { kind: 'answer', data: Buffer.from([1, 2, 3, 4]) });
  link.take(answer);
  link.take(answer);
  assert.is(counts.discarded, 2, 'one before the request, one after the answer');
  await link.close();
  assert.is((await ask(client)).kind, 'disconnected');
  assert.is(counts.lost, 0);
});

test('silence after bytes that are no answer ends the request before its time-out', async () => {
  const { link, client } = open();
  const short = ask(client);
  link.take(answer.subarray(0, -1));
  assert.is((await short).kind, 'bad-frame');
  const corrupted = ask(client);
  link.take(Buffer.concat([answer.subarray(0, -1), Buffer.from([answer.at(-1)! ^ 1])]));
  assert.is((await corrupted).kind, 'checksum');
  await link.close();
});

test('an exception is told from an answer', async () => {
  const { link, client } = open();
  const outcome = ask(client);
  link.take(rtu(Uint8Array.from([7, 0x83, 6])));
  assert.equal(await outcome, { kind: 'exception', code: 6 });
  await link.close();
});

test('the frame gap is 3.5 characters, and 1.75 ms above 19200 Bd', () => {
  const at = (baudRate: number) => ({ ...line, baudRate });
  assert.ok(Math.abs(characterTime(at(9600)) - 11 / 9.6) < 1e-9);
  assert.ok(Math.abs(frameGap(at(9600)) - 38.5 / 9.6) < 1e-9);
  assert.is(frameGap(at(115_200)), 1.75);
});

test.run();
