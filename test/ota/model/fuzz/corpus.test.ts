import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decode } from '../../../../ota/model/onnx/decode.ts';
import { Random } from '../../../../simulator/random.ts';
import { mutate } from './mutate.ts';
import { fuzz } from './onnx-fuzzer.ts';
import { SEEDS } from './seeds.ts';

const corpus = join(import.meta.dirname, '../corpus');
const RUNS = 3000;

for (const [name, bytes] of Object.entries(SEEDS)) {
  test(`takes the seed ${name} for a model`, () => {
    assert.ok(decode('Model', bytes).graph!.node!.length > 0);
    fuzz(bytes);
  });
}

for (const name of readdirSync(corpus)) {
  test(`takes or refuses ${name}`, () => fuzz(readFileSync(join(corpus, name))));
}

test('takes or refuses what a mutator makes of the seeds', () => {
  const random = new Random(1);
  const seeds = Object.values(SEEDS);
  for (let run = 0; run < RUNS; run++) fuzz(mutate(random.pick(seeds), seeds, random));
});

test.run();
