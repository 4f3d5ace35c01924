/** Boards that are made of files and of a program that stands in for the firmware's. */

import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { millis } from '../../../../runtime/core/units.ts';
import { readLastLine, type Throttled } from '../../../../runtime/pipeline/detection/rate/board.ts';
import { BoardReader } from '../../../../runtime/pipeline/detection/rate/board-reader.ts';
import { waitFor } from '../../../support/wait.ts';

const root = mkdtempSync(join(tmpdir(), 'vigie-board-reader-'));
test.after(() => rmSync(root, { recursive: true }));

/** Prints what is in a file beside it, and notes that it ran. */
function fakeVcgencmd(name: string): { program: string; says(text: string): void; runs(): number } {
  const folder = join(root, name);
  mkdirSync(folder);
  const program = join(folder, 'fake-vcgencmd');
  const [answer, log] = [join(folder, 'answer'), join(folder, 'log')];
  writeFileSync(log, '');
  writeFileSync(
    program,
    `#!/bin/sh\n[ "$1" = get_throttled ] || exit 1\necho run >> ${log}\ncat ${answer}\n`,
  );
  chmodSync(program, 0o755);
  return {
    program,
    says: (text) => writeFileSync(answer, text),
    runs: () => readFileSync(log, 'utf8').split('\n').length - 1,
  };
}

test("the firmware's program is asked beside, now and then, where the kernel does not say it", async () => {
  const { program, says, runs } = fakeVcgencmd('pi');
  says('throttled=0x50005\n');
  const board = new BoardReader({ root, vcgencmd: program });
  assert.is(board.at(millis(0)).throttled, undefined, 'nobody waits for it');
  await waitFor('its run', () => runs() === 1);
  let said: Throttled | undefined;
  for (let now = 2000; !said && now <= 14_000; now += 2000) {
    await pause(200);
    said = board.at(millis(now)).throttled;
  }
  assert.equal([said?.throttled, said?.underVoltage], [true, true]);
  assert.ok(runs() <= 3, 'at most each 5 s');
});

test("the kernel's word comes first, and the program is not even asked", async () => {
  const { program, says, runs } = fakeVcgencmd('kernel');
  says('throttled=0x0\n');
  const own = join(root, 'with-kernel');
  const folder = join(own, 'sys/devices/platform/soc/soc:firmware');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'get_throttled'), '4\n');
  const board = new BoardReader({ root: own, vcgencmd: program });
  assert.ok(board.at(millis(0)).throttled?.throttled);
  await pause(100);
  assert.is(runs(), 0);
});

test('a board without the program, or with one that fails or hangs, has nothing to say', async () => {
  const none = new BoardReader({ root, vcgencmd: join(root, 'nowhere') });
  const { program, says } = fakeVcgencmd('broken');
  says('VCHI initialization failed\n');
  const broken = new BoardReader({ root, vcgencmd: program });
  for (let now = 0; now < 20_000; now += 2000) {
    for (const board of [none, broken]) assert.is(board.at(millis(now)).throttled, undefined);
    await pause(10);
  }
});

test('tegrastats writes to a file: its last whole line counts, for as long as it grows', () => {
  const tegrastats = join(root, 'fake-tegrastats.log');
  const board = new BoardReader({ root, tegrastats, vcgencmd: join(root, 'nowhere') });
  assert.equal(board.at(millis(0)).zones, []);
  writeFileSync(tegrastats, 'RAM 1/2MB CPU@43.5C GPU@42C\nRAM 1/2MB CPU@91C tj@95.5C\nRAM 1/2MB CPU@1');
  assert.equal(
    board.at(millis(2000)).zones.map(({ type, temperature }) => [type, temperature]),
    [
      ['CPU', 91],
      ['tj', 95.5],
    ],
  );
  assert.is(board.at(millis(3000)).zones.length, 2, 'it is not read again so soon');
  assert.equal(board.at(millis(60_000)).zones, [], 'a log that grows no more says nothing of now');
  appendFileSync(tegrastats, '00C\nCPU@50C\n');
  assert.equal(
    board.at(millis(62_000)).zones.map(({ temperature }) => temperature),
    [50],
  );
});

test('the last line of a file is found however long the file is, and none is no error', () => {
  const path = join(root, 'lines');
  assert.is(readLastLine(path), undefined);
  writeFileSync(path, '');
  assert.is(readLastLine(path), undefined);
  writeFileSync(path, 'unfinished');
  assert.is(readLastLine(path), undefined);
  writeFileSync(path, `${'x'.repeat(100_000)}\nlast\n`);
  assert.is(readLastLine(path)?.text, 'last');
  writeFileSync(path, `${'x'.repeat(100_000)}\n`);
  assert.ok(readLastLine(path) === undefined || readLastLine(path)!.text.length < 5000);
});

test.run();
