/** Progress of a download. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Progress, progressText } from '../../../../runtime/cli/model/fetch/progress.ts';

const cases: [done: number, total: number, elapsedMs: number, text: string][] = [
  [0, 3_700_000, 0, '  0 %  0 B of 3.7 MB  0 B/s'],
  [1_850_000, 3_700_000, 1000, ' 50 %  1.9 MB of 3.7 MB  1.9 MB/s  1 s left'],
  [1000, 1_000_000, 1000, '  0 %  1.0 kB of 1.0 MB  1.0 kB/s  16 min 39 s left'],
  [3_699_999, 3_700_000, 1999, ' 99 %  3.7 MB of 3.7 MB  1.9 MB/s  1 s left'],
  [3_700_000, 3_700_000, 2000, '100 %  3.7 MB of 3.7 MB  1.9 MB/s  0 s left'],
];
for (const [done, total, elapsedMs, text] of cases) {
  test(text, () => assert.is(progressText(done, total, elapsedMs), text));
}

function drawn(isTTY: boolean): string[] {
  const lines: string[] = [];
  let now = 0;
  const progress = new Progress(1000, { isTTY, write: (text: string) => lines.push(text) }, () => now);
  for (let done = 100; done <= 1000; done += 100) {
    now += 50;
    progress.show(done);
  }
  progress.clear();
  return lines;
}

test('on a terminal: at most five times a second, the last one in any case, then the line is cleared', () => {
  const lines = drawn(true);
  assert.equal(
    lines.map((line) => /(\d+) %/.exec(line)?.[1]),
    ['10', '50', '90', '100', undefined],
  );
  assert.is(lines.at(-1), '\r\x1b[K');
});

test('elsewhere: nothing', () => assert.equal(drawn(false), []));

test.run();
