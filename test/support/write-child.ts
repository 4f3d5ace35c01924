/** Writes states of growing number and changing length to argv[2] until it is killed; tells on stdout each one that returned. */

import { writeSync } from 'node:fs';
import { writeFileAtomic } from '../../runtime/core/atomic-file.ts';

const path = process.argv[2] as string;
for (let n = 1; ; n++) {
  writeFileAtomic(path, JSON.stringify({ n, pad: 'x'.repeat((n * 7919) % 100_000), end: n }));
  writeSync(1, `${n}\n`);
}
