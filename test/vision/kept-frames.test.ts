import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { CapturedFrame } from '../../runtime/addon/capture.ts';
import type { Detection } from '../../runtime/pipeline/detection/detector.ts';
import { KeptFrames } from '../../runtime/vision/kept-frames.ts';

/** How many frames and copies are not closed. */
let out = 0;

function frame(sequence: number): CapturedFrame {
  let open = true;
  out += 1;
  return {
    sequence,
    capturedAt: sequence * 100,
    width: 100,
    height: 50,
    copy: () => frame(sequence),
    close: () => {
      if (open) out -= 1;
      open = false;
    },
  } as CapturedFrame;
}

const found = (label: string): Detection => ({ index: 0, label, score: 0.9, box: [50, 10, 25, 20] });
const sequence = (kept: ReturnType<KeptFrames['find']>) => kept?.frame.sequence;

test.before.each(() => {
  out = 0;
});

test('the newest frame, and by their number the last ones with something on them', () => {
  const kept = new KeptFrames([]);
  assert.is(kept.find(undefined), undefined);
  for (let i = 1; i <= 9; i++) {
    const one = frame(i);
    kept.show(one);
    kept.looked(one, i % 2 === 1 ? [found('person')] : []);
  }
  assert.is(sequence(kept.find(undefined)), 9);
  assert.is(sequence(kept.find(5)), 5);
  assert.is(sequence(kept.find(3)), 9, 'gone');
  assert.is(sequence(kept.find(6)), 9, 'never kept');
  assert.is(out, 4);
  kept.letGo();
  assert.is(out, 0);
  assert.is(kept.find(5), undefined);
});

test('where persons are hidden only frames that the model looked at leave', () => {
  const kept = new KeptFrames(['person']);
  const first = frame(1);
  kept.show(first);
  assert.is(kept.find(undefined), undefined);
  assert.is(kept.find(1), undefined);
  kept.looked(first, [found('person'), found('dog')]);
  const places = [[0.5, 0.2, 0.25, 0.4]];
  assert.equal(kept.find(1)?.hidden, places);
  kept.show(frame(2));
  assert.is(sequence(kept.find(2)), 1, 'nobody knows who is where on the second');
  assert.is(sequence(kept.find(undefined)), 1);
  const third = frame(3);
  kept.show(third);
  kept.looked(third, []);
  assert.is(sequence(kept.find(undefined)), 3);
  kept.letGo();
  assert.is(kept.find(3), undefined);
  assert.is(out, 0);
});

test('whom the model misses stays hidden, on all later frames', () => {
  const kept = new KeptFrames(['person']);
  const look = (number: number, ...lefts: number[]) => {
    const one = frame(number);
    kept.show(one);
    const persons = lefts.map((left) => ({ ...found('person'), box: [left, 10, 25, 20] as const }));
    kept.looked(one, persons);
    return kept.find(number)?.hidden.map(([x]) => x);
  };
  assert.equal(look(1, 50), [0.5]);
  assert.equal(look(5), [0.5]);
  assert.equal(look(10, 51), [0.51], 'hardly moved: hidden once');
  assert.equal(look(11, 20), [0.2, 0.5, 0.51]);
  assert.equal(look(12), [0.51, 0.2]);
  assert.is(look(22)!.length, 2, 'not found for more than a second');
  kept.letGo();
  assert.equal(look(24), [], 'another pipeline shows other persons');
  for (let i = 0; i < 100; i++) look(30 + i / 20, 3 * (i % 25));
  assert.ok(look(35, 0)!.length <= 12, 'at a high rate some looks stand for all');
  kept.letGo();
  assert.is(out, 0);
});

test.run();
