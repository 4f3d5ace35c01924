/**
 * Fuzzes the TUF client: `bin/node test/ota/client/tuf/fuzz/fuzz-tuf.ts SECONDS FOLDER`. Changed metadata in every place
 * of a repository and of the store. Ends with status 1 at the first that is trusted, brings anything but our own errors,
 * or takes too long; the input is in FOLDER as `failed-PLACE`.
 */

import { fuzzLoop } from '../../../../support/fuzz-loop.ts';
import { mutate } from './mutate.ts';
import { fuzz, fuzzStore, PLACES, SEEDS, STORED, STORED_SEEDS } from './tuf-fuzzer.ts';

const [, , seconds = '600', folder = 'build/fuzz/tuf'] = process.argv;
let trusted = 0;

await fuzzLoop({
  seconds: Number(seconds),
  folder,
  next: (random) => {
    const inStore = random.next() < 0.3;
    const at = Math.floor(random.next() * (inStore ? STORED : PLACES).length);
    const file = (inStore ? STORED : PLACES)[at]!;
    const bytes = mutate((inStore ? STORED_SEEDS : SEEDS)[at]!, SEEDS, random);
    return {
      bytes,
      place: { file, text: `${inStore ? 'stored' : 'served'} as ${file}` },
      read: async () => {
        if (inStore) await fuzzStore(bytes, file);
        else if (await fuzz(bytes, file)) trusted++;
      },
    };
  },
  summary: () => `${trusted} of them changed nothing that is signed`,
});
