/** The cheap look before the model is asked. */

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { z } from 'zod';
import type { detectionConfig } from '../../../../runtime/config/schema/zones.ts';
import { InputError } from '../../../../runtime/core/errors.ts';
import { millis } from '../../../../runtime/core/units.ts';
import type { LumaGrid } from '../../../../runtime/pipeline/detection/motion/background.ts';
import { cellsOf } from '../../../../runtime/pipeline/detection/motion/cells.ts';
import { MotionGate } from '../../../../runtime/pipeline/detection/motion/gate.ts';
import { configOf } from '../synthetic.ts';

const WIDTH = 64;
const HEIGHT = 36;

/** Repeatable noise of ±3. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return (state / 2_147_483_648) * 6 - 3;
  };
}

/** A textured scene, brighter by `light`, with someone of 4 × 10 cells at a column and row. */
function grid(ms: number, light = 0, who?: readonly [number, number]): LumaGrid {
  const jitter = noise(ms + 1);
  const data = new Uint8Array(WIDTH * HEIGHT);
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
    const there = who && x >= who[0] && x < who[0] + 4 && y >= who[1] && y < who[1] + 10;
    data[i] = Math.max(0, Math.min(255, 100 + 30 * Math.sin(x) + light + (there ? -60 : 0) + jitter()));
  }
  return { width: WIDTH, height: HEIGHT, data };
}

const gateOf = (input: z.input<typeof detectionConfig> = {}) => new MotionGate(configOf(input));
const reasons = (gate: MotionGate, frames: number, at: (ms: number) => LumaGrid, busy = false, from = 0) =>
  Array.from(
    { length: frames },
    (_, i) => gate.step(at(from + 100 * i), millis(from + 100 * i), busy).reason,
  );

test('a still scene is looked at when it begins and then now and then', () => {
  const seen = reasons(gateOf(), 400, (ms) => grid(ms));
  assert.is(seen[0], 'first');
  assert.not(seen.includes('motion'));
  const looks = seen.flatMap((reason, i) => (reason === 'due' ? [i] : []));
  assert.ok(looks.length >= 3 && looks.length <= 4, `${looks}`);
});

test('who walks in opens the gate at once, and it stays open for a while', () => {
  const gate = gateOf();
  reasons(gate, 60, (ms) => grid(ms));
  const walking = reasons(gate, 20, (ms) => grid(ms, 0, [(ms - 6000) / 100, 20]), false, 6000);
  assert.ok(
    walking.slice(1).every((reason) => reason === 'motion'),
    `${walking}`,
  );
  const after = reasons(gate, 60, (ms) => grid(ms), false, 8000);
  assert.ok(after.includes('hold'));
  assert.is(after.at(-1), 'still');
});

test('a cloud is no motion: light that changes everywhere', () => {
  const gate = gateOf();
  reasons(gate, 60, (ms) => grid(ms));
  const clouded = reasons(gate, 100, (ms) => grid(ms, 25 * Math.sin(ms / 1500)), false, 6000);
  assert.not(clouded.includes('motion'), `${clouded}`);
});

test('the light switched off is a new scene, and not motion for ever', () => {
  const gate = gateOf();
  reasons(gate, 60, (ms) => grid(ms));
  const dark = (ms: number) => ({ ...grid(ms), data: grid(ms).data.map((v) => (140 - v) / 2) });
  const seen = reasons(gate, 60, dark, false, 6000);
  assert.is(seen[0], 'new-scene');
  assert.is(seen.at(-1), 'still');
});

test('while something is tracked the gate stays open', () => {
  const seen = reasons(gateOf(), 50, (ms) => grid(ms), true);
  assert.ok(seen.slice(1).every((reason) => reason === 'busy'));
});

test('motion outside the zones, or inside an excluded one, opens nothing', () => {
  const left: [number, number][] = [
    [0, 0],
    [0.4, 0],
    [0.4, 1],
    [0, 1],
  ];
  const zones = [{ name: 'left', polygon: left }];
  const at = (column: number) => (ms: number) => grid(ms, 0, [column + ((ms / 100) % 4), 15]);
  const seen = (input: z.input<typeof detectionConfig>, column: number) => {
    const gate = gateOf(input);
    reasons(gate, 60, (ms) => grid(ms));
    return reasons(gate, 20, at(column), false, 6000).includes('motion');
  };
  assert.ok(seen({ zones }, 5));
  assert.not(seen({ zones }, 45));
  const whole: [number, number][] = [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
  ];
  const both = [
    { name: 'all', polygon: whole },
    { ...zones[0]!, mode: 'exclude' as const },
  ];
  assert.not(seen({ zones: both }, 5));
  assert.ok(seen({ zones: both }, 45));
  assert.ok(
    seen(
      {
        zones,
        tripwires: [
          {
            name: 'w',
            line: [
              [0.9, 0],
              [0.9, 1],
            ],
          },
        ],
      },
      45,
    ),
    'a tripwire needs the way to it',
  );
});

test('what is put down becomes background', () => {
  const gate = gateOf();
  reasons(gate, 60, (ms) => grid(ms));
  const seen = reasons(gate, 900, (ms) => grid(ms, 0, [30, 15]), false, 6000);
  assert.is(seen[0], 'motion');
  assert.ok(seen.slice(-30).every((reason) => reason !== 'motion'));
});

test('switched off it always looks; a new size starts again', () => {
  const off = gateOf({ motion: { enabled: false } });
  assert.equal(
    reasons(off, 3, (ms) => grid(ms)),
    ['off', 'off', 'off'],
  );
  const gate = gateOf();
  reasons(gate, 3, (ms) => grid(ms));
  assert.is(gate.step({ width: 2, height: 1, data: new Uint8Array(2) }, millis(300), false).reason, 'first');
});

test('a grid that is none is refused', () => {
  const sizes = fc.tuple(
    fc.integer({ min: -2, max: 400 }),
    fc.integer({ min: -2, max: 400 }),
    fc.integer({ min: 0, max: 300 }),
  );
  fc.assert(
    fc.property(sizes, ([width, height, length]) => {
      const fits = width > 0 && height > 0 && width * height === length;
      try {
        gateOf().step({ width, height, data: new Uint8Array(length) }, millis(0), false);
        assert.ok(fits);
      } catch (error) {
        assert.ok(error instanceof InputError && !fits, String(error));
      }
    }),
  );
});

test('each area has its cells, and a zone smaller than a cell none', () => {
  const tiny: [number, number][] = [
    [0.001, 0.001],
    [0.002, 0.001],
    [0.002, 0.002],
  ];
  assert.equal(cellsOf(configOf({ zones: [{ name: 'tiny', polygon: tiny }] }), 8, 8), []);
  const [area] = cellsOf(configOf(), 8, 8);
  assert.is(area!.cells.length, 64);
});

test.run();
