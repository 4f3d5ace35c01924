/** Progress lines and tables, by what they say. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fleetTable, modelText } from '../../../runtime/cli/ota/fleet/list.ts';
import { Progress, progressLine, timeLeft } from '../../../runtime/cli/ota/progress.ts';
import { fakeNode, modelOf, reportOf } from '../../support/node-reports.ts';

test('share, bytes, rate and time left', () => {
  assert.is(
    progressLine('hashing', 5e6, 20e6, 1000),
    'hashing [######------------------] 25 %  5.0 MB of 20.0 MB  5.0 MB/s  3 s left',
  );
  assert.is(progressLine('hashing', 0, 20e6, 1000), 'hashing [------------------------] 0 %  0 B of 20.0 MB');
  assert.match(progressLine('hashing', 0, 0, 0), /100 %/);
  assert.equal(
    [timeLeft(0.2), timeLeft(61), timeLeft(7500), timeLeft(-3)],
    ['1 s', '1 min 1 s', '2 h 5 min', '0 s'],
  );
});

test('drawn ten times a second at most, taken away at the end, and not at all into a file', () => {
  const draw = (isTTY: boolean) => {
    let now = 0;
    const written: string[] = [];
    const to = { isTTY, write: (text: string) => written.push(text) > 0 };
    const progress = new Progress({ label: 'x', total: 1000, now: () => now, to });
    for (; now < 1000; now += 10) progress.add(10);
    progress.end();
    return written;
  };
  const lines = draw(true);
  assert.is(lines.length, 11);
  assert.is(lines.at(-1), '\r\x1b[K');
  assert.equal(draw(false), []);
});

test('a node in a line', () => {
  const release = (number: number) => ({ release: number, digest: 'ab'.repeat(32) });
  const model = modelOf('score', {
    ...{ active: release(3), trial: { ...release(4), attemptsLeft: 2 }, pinned: true, trouble: 'no memory' },
    refused: { ...release(2), code: 'selftest-failed', reason: 'wrong' },
  });
  assert.is(
    modelText(model),
    'score 3, trial of 4 (2 attempts left), 2 refused: selftest-failed, pinned, trouble: no memory',
  );
  const report = reportOf(fakeNode('n'), 1, { models: [model], attack: true });
  const text = fleetTable(
    [
      { node: 'n', report, doubts: ['replayed'] },
      { node: 'o', report: undefined, doubts: ['unsigned'] },
    ],
    90_000,
  );
  assert.match(text, /n +default +score 3.*0\.4\.0 +SIGNED +1 min 30 s +attack replayed/);
  assert.match(text, /o +- +- +- +- +- +unsigned/);
});

test.run();
