/** The rate policy on a board made of files. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { millis } from '../../../../runtime/core/units.ts';
import { BoardReader } from '../../../../runtime/pipeline/detection/rate/board-reader.ts';
import { RateGovernor } from '../../../../runtime/pipeline/detection/rate/governor.ts';
import type { RateChange } from '../../../../runtime/pipeline/detection/rate/policy.ts';
import { configOf } from '../synthetic.ts';

const root = mkdtempSync(join(tmpdir(), 'vigie-governor-'));
test.after(() => rmSync(root, { recursive: true }));

const zone = join(root, 'sys/class/thermal/thermal_zone0');
mkdirSync(zone, { recursive: true });
writeFileSync(join(zone, 'type'), 'cpu-thermal\n');
const heat = (degrees: number) => writeFileSync(join(zone, 'temp'), `${1000 * degrees}\n`);

const governor = (rate = {}) =>
  new RateGovernor({
    config: configOf({ rate }).rate,
    variants: ['float', 'int8'],
    thermal: [{ types: ['cpu-thermal'], easeOff: 75, throttle: 80 }],
    board: new BoardReader({ root, vcgencmd: join(root, 'no-vcgencmd') }),
  });

/** Ten frames a second. */
function run(subject: RateGovernor, seconds: number, ms: number, from = 0) {
  const changes: RateChange[] = [];
  let looks = 0;
  for (let at = 1000 * from; at < 1000 * (from + seconds); at += 100) {
    if (!subject.frame(millis(at))) continue;
    looks++;
    const change = subject.looked(ms, millis(at + ms));
    if (change) changes.push(change);
  }
  return { changes, looks };
}

test('a cool board with a quick model looks at every frame', () => {
  heat(50);
  assert.equal(run(governor(), 30, 40), { changes: [], looks: 300 });
});

test('a slow model skips frames', () => {
  heat(50);
  const { changes, looks } = run(governor(), 30, 150);
  assert.equal(
    changes.map(({ to }) => to),
    [{ everyNth: 2, variant: 0 }],
  );
  assert.ok(looks > 145 && looks < 160, `${looks}`);
});

test('a hot board gives way step by step, and comes back when it has cooled', () => {
  heat(81);
  const subject = governor();
  const hot = run(subject, 30, 40);
  assert.match(hot.changes[0]!.reason, /cpu-thermal is at 81\.0 °C/);
  assert.is(subject.rate.variant, 1);
  assert.ok(subject.rate.everyNth > 1 && subject.rate.everyNth <= 10);
  heat(50);
  const cool = run(subject, 400, 40, 30);
  assert.ok(cool.changes.every(({ cause }) => cause === 'cool'));
  assert.equal(subject.rate, { everyNth: 1, variant: 0 });
});

test('frames that came while the model was busy count, and another pipeline begins anew', () => {
  heat(50);
  const subject = governor();
  // Thirty a second, of which every fourth gets as far as here.
  for (let frame = 1; frame < 40; frame += 4) {
    if (subject.frame(millis(frame * 33), frame)) subject.looked(100, millis(frame * 33 + 100));
  }
  assert.is(subject.rate.everyNth, 4);
  assert.not.ok(subject.frame(millis(1330), 40));
  assert.ok(subject.frame(millis(1400), 1));
});

test('adapt: false leaves everything as it is', () => {
  heat(90);
  assert.equal(run(governor({ adapt: false }), 30, 500), { changes: [], looks: 300 });
});

test('a camera that stood still has not changed its period', () => {
  heat(50);
  const subject = governor();
  run(subject, 5, 40);
  assert.equal(run(subject, 5, 40, 600).changes, []);
});

test.run();
