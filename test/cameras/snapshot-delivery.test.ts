/** Which pictures of an event are sent. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SnapshotDelivery } from '../../runtime/cameras/snapshot-delivery.ts';
import type { DetectionEvent, OutboundRecord } from '../../runtime/core/messages.ts';
import { epochMillis, millis } from '../../runtime/core/units.ts';

function rig() {
  const records: OutboundRecord[] = [];
  const delivery = new SnapshotDelivery({
    cameras: new Set(['gate']),
    accept: async (record) => void records.push(record),
  });
  let number = 0;
  const kept = (event = 'e1', camera = 'gate') => {
    const reference = { ref: `snapshots/${camera}/${event}.jpg`, width: 4, height: 2, bytes: ++number };
    const stamp = { mono: millis(number), wall: epochMillis(number), timeQuality: 'synced' } as const;
    delivery.kept({ camera, event, reference, sha256: String(number), stamp });
  };
  const phase = (name: DetectionEvent['phase'], id = 'e1', camera = 'gate') =>
    delivery.event({ camera, id, phase: name } as DetectionEvent);
  return { records, kept, phase, sent: () => records.map(({ body }) => body.sha256) };
}

test('the first picture goes at once, a better one with the next phase, and none twice', () => {
  const { kept, phase, sent, records } = rig();
  phase('start');
  assert.equal(sent(), []);
  kept();
  assert.equal(sent(), ['1']);
  const [{ topic, class: name, body, mono }] = records as [OutboundRecord];
  assert.equal([topic, name, mono], ['snapshots/gate/e1', 'picture', 1]);
  assert.equal(body, {
    schema: 'vigie.snapshot/1',
    camera: 'gate',
    event: 'e1',
    ref: 'snapshots/gate/e1.jpg',
    width: 4,
    height: 2,
    bytes: 1,
    sha256: '1',
  });
  kept();
  kept();
  assert.equal(sent(), ['1'], 'better ones wait');
  phase('update');
  assert.equal(sent(), ['1', '3']);
  phase('update');
  phase('end');
  assert.equal(sent(), ['1', '3']);
});

test('a picture that is ready only after the end is sent all the same', () => {
  const { kept, phase, sent } = rig();
  phase('start');
  phase('end');
  kept();
  assert.equal(sent(), ['1']);
});

test('a crossing has its one picture; cameras without the option send none', () => {
  const { kept, phase, sent } = rig();
  phase('once');
  kept();
  kept('e2', 'yard');
  phase('end', 'e2', 'yard');
  assert.equal(sent(), ['1']);
});

test('what is remembered of events is bounded', () => {
  const { kept, phase, sent } = rig();
  for (let i = 0; i < 1000; i++) {
    phase('once', `c${i}`);
    kept(`c${i}`);
  }
  assert.is(sent().length, 1000);
});

test.run();
