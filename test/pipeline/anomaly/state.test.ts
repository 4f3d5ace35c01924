import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DETECTORS } from '../../../runtime/config/schema/anomaly.ts';
import { ModelError } from '../../../runtime/core/errors.ts';
import type { Detector } from '../../../runtime/pipeline/anomaly/detector.ts';
import { createDetectors } from '../../../runtime/pipeline/anomaly/standard-set.ts';
import { explained, makeTags, Process } from './made-rows.ts';

const WIDTH = 5;
const TAGS = makeTags(WIDTH);

function learned(name: (typeof DETECTORS)[number]): [Detector, Process] {
  const detector = fresh(name);
  const process = new Process(WIDTH, 21);
  detector.fit(process.rows(400));
  return [detector, process];
}

function fresh(name: (typeof DETECTORS)[number]): Detector {
  return createDetectors(TAGS, { detectors: [name] })[0]!;
}

const throughJson = (state: unknown): unknown => JSON.parse(JSON.stringify(state));
const refused = (run: () => void) =>
  assert.throws(run, (error: unknown) => error instanceof ModelError && error.code === 'bad-state');

for (const name of DETECTORS) {
  test(`${name}: a saved and loaded fit scores and explains the same`, () => {
    const [original, process] = learned(name);
    const copy = fresh(name);
    copy.load(throughJson(original.save()));
    assert.ok(copy.ready);
    original.reset();
    for (let i = 0; i < 200; i++) {
      const row = process.next();
      if (i > 100) row[2]! += 0.1 * i;
      assert.is(copy.step(row, process.mono), original.step(row, process.mono));
    }
    assert.equal(explained(copy), explained(original));
    assert.equal(throughJson(copy.save()), throughJson(original.save()));
  });

  test(`${name}: a foreign or damaged fit is refused and changes nothing`, () => {
    const [detector] = learned(name);
    const state = throughJson(detector.save()) as Record<string, unknown>;
    const values = state.values as Record<string, unknown[]>;
    const key = Object.keys(values)[0]!;
    const other = name === 'mewma' ? 'pca' : 'mewma';
    refused(() => fresh(name).load({ ...state, version: 99 }));
    refused(() => fresh(name).load({ ...state, detector: other }));
    refused(() => fresh(name).load({ ...state, tags: ['a', 'b', 'c', 'd', 'e'] }));
    refused(() => fresh(name).load({ ...state, values: { ...values, [key]: values[key]!.slice(1) } }));
    refused(() => fresh(name).load({ ...state, values: { ...values, [key]: values[key]!.map(() => 'x') } }));
    refused(() => fresh(name).load({ ...state, values: null }));
    const before = throughJson(detector.save());
    refused(() => detector.load({ ...state, values: {} }));
    assert.equal(throughJson(detector.save()), before);
    assert.ok(detector.ready);
  });
}

test('any JSON is either taken or refused with its code', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(...DETECTORS), (state, name) => {
      refused(() => fresh(name).load(state));
    }),
    { numRuns: 100 },
  );
});

test('a forest that is damaged or of other features is refused', () => {
  const [detector] = learned('isolation-forest');
  const state = throughJson(detector.save()) as Record<string, unknown>;
  refused(() => fresh('isolation-forest').load({ ...state, forest: 'AAAA' }));
  refused(() => fresh('isolation-forest').load({ ...state, forest: 12 }));
  const wide = createDetectors(makeTags(WIDTH + 1), { detectors: ['isolation-forest'] })[0]!;
  wide.fit(new Process(WIDTH + 1).rows(300));
  const { forest } = wide.save() as Record<string, unknown>;
  refused(() => fresh('isolation-forest').load({ ...state, forest }));
});

test.run();
