/**
 * Accepts records under load until it is killed. Reports on stdout, synchronously: `a BOOT SEQ` once a record is
 * accepted, `d BOOT SEQ` once the sink has one, before it is removed.
 */

import { writeSync } from 'node:fs';
import { Registry } from 'prom-client';
import { SystemClock } from '../../../../runtime/core/clock.ts';
import { createLog } from '../../../../runtime/core/log.ts';
import { RECORD_CLASSES } from '../../../../runtime/core/messages.ts';
import { bytes, seconds } from '../../../../runtime/core/units.ts';
import { Outbox } from '../../../../runtime/sinks/outbox/outbox.ts';

const clock = new SystemClock(() => true);
const outbox = new Outbox({
  directory: process.argv[2] as string,
  config: { maxBytes: bytes(64 * 1024 * 1024), readings: { enabled: true, batch: seconds(30) } },
  clock,
  log: createLog('silent'),
  registry: new Registry(),
});
await outbox.start();

let seq = 0;
async function produce(): Promise<void> {
  for (;;) {
    seq += 1;
    const mine = seq;
    const body = { n: mine, pad: 'x'.repeat((mine * 37) % 2000), noise: Math.sin(mine) };
    await outbox.accept({
      class: RECORD_CLASSES[mine % RECORD_CLASSES.length]!,
      topic: 't',
      body,
      ...clock.stamp(),
    });
    writeSync(1, `a ${outbox.bootId} ${mine}\n`);
  }
}

async function drain(): Promise<void> {
  for (let round = 1; ; round++) {
    const records = await outbox.take(4);
    for (const record of records) writeSync(1, `d ${record.bootId} ${record.seq}\n`);
    outbox.remove(records.map(({ id }) => id));
    if (round % 7 === 0) outbox.giveBack();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

await Promise.race([...Array.from({ length: 12 }, produce), drain()]);
