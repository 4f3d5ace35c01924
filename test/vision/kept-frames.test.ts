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

test('where persons are hidden no picture leaves before the model has looked', () => {
  const kept = new KeptFrames(['person']);
  const first = frame(1);
  kept.show(first);
  assert.is(kept.find(undefined), undefined);
  kept.looked(first, [found('person'), found('dog')]);
  assert.equal(kept.find(1)?.hidden, [[0.5, 0.2, 0.25, 0.4]]);
  kept.show(frame(2));
  assert.is(sequence(kept.find(2)), 2);
  assert.equal(kept.find(2)?.hidden, [[0.5, 0.2, 0.25, 0.4]], 'as on the look just before');
  const third = frame(3);
  kept.show(third);
  kept.looked(third, []);
  assert.equal(kept.find(3)?.hidden, []);
  assert.equal(kept.find(1)?.hidden, [[0.5, 0.2, 0.25, 0.4]]);
  kept.letGo();
  assert.is(out, 0);
});

test.run();
