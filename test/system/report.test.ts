/** How an update ended is told once, whenever it ended, and again by nobody. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SystemClock } from '../../runtime/core/clock.ts';
import { createLog } from '../../runtime/core/log.ts';
import type { OutboundRecord } from '../../runtime/core/messages.ts';
import { type Outcome, writeRecord } from '../../runtime/system/record.ts';
import { SystemReport } from '../../runtime/system/report.ts';

test('an ended trial becomes one event, over restarts of the node, too', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'vigie-report-'));
  const record = join(dataDir, 'record.json');
  const told: OutboundRecord[] = [];
  let refuses = false;
  const make = () =>
    new SystemReport({
      record,
      dataDir,
      accept: async (one) => {
        if (refuses) throw new RangeError('the outbox is full');
        told.push(one);
      },
      clock: new SystemClock(),
      log: createLog('silent'),
    });
  const write = (last: Outcome | null) =>
    writeRecord(record, { schema: 'vigie.system-record/1', versions: {}, trial: null, last });

  const first = make();
  await first.start();
  assert.is(told.length, 0, 'there is no record yet');
  write(null);
  await first.look();
  assert.is(told.length, 0);
  const last: Outcome = {
    outcome: 'rolled-back',
    slot: 'B',
    version: '1.4.0',
    reason: 'mqtt is gone',
    at: 'x',
  };
  write(last);
  refuses = true;
  await first.look();
  refuses = false;
  await first.stop();

  const second = make();
  await second.start();
  await second.look();
  await second.stop();
  const third = make();
  await third.start();
  await third.stop();
  assert.is(told.length, 1);
  assert.is(told[0]!.topic, 'events/system');
  assert.equal(told[0]!.body, {
    schema: 'vigie.system/1',
    outcome: 'rolled-back',
    slot: 'B',
    version: '1.4.0',
    reason: 'mqtt is gone',
  });
  rmSync(dataDir, { recursive: true });
});

test.run();
