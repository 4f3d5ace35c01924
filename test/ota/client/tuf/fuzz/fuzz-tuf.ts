/**
 * Fuzzes the TUF client: `bin/node test/ota/client/tuf/fuzz/fuzz-tuf.ts SECONDS FOLDER`. Changed metadata in every place
 * of a repository and of the store. Ends with status 1 at the first that is trusted, brings anything but our own errors,
 * or takes too long; the input is in FOLDER as `failed-PLACE`.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../../../../simulator/random.ts';
import { cpuTime } from '../../../../support/cpu-time.ts';
import { mutate } from './mutate.ts';
import { fuzz, fuzzStore, PLACES, SEEDS, STORED, STORED_SEEDS } from './tuf-fuzzer.ts';

const SLOW_MS = 2000;
const [, , seconds = '600', folder = 'build/fuzz/tuf'] = process.argv;
mkdirSync(folder, { recursive: true });
const seed = Number(process.hrtime.bigint() % 2n ** 31n);
const random = new Random(seed);

let runs = 0;
let trusted = 0;
const end = performance.now() + Number(seconds) * 1000;
while (performance.now() < end) {
  const inStore = random.next() < 0.3;
  const at = Math.floor(random.next() * (inStore ? STORED : PLACES).length);
  const place = (inStore ? STORED : PLACES)[at]!;
  const bytes = mutate((inStore ? STORED_SEEDS : SEEDS)[at]!, SEEDS, random);
  const began = cpuTime();
  try {
    if (inStore) await fuzzStore(bytes, place);
    else if (await fuzz(bytes, place)) trusted++;
    if (cpuTime() - began > SLOW_MS) throw new RangeError(`took more than ${SLOW_MS} ms of the processor`);
  } catch (error) {
    const path = join(folder, `failed-${place}`);
    writeFileSync(path, bytes);
    console.error(error);
    console.error(`${inStore ? 'stored' : 'served'} as ${place}, seed ${seed}, run ${runs}: ${path}`);
    process.exit(1);
  }
  runs++;
}
console.log(`${runs} runs, ${trusted} of them changed nothing that is signed, seed ${seed}: nothing failed`);
