/** Shows the page over a made-up plant, to look at it while working on it: `bin/node test/sinks/dashboard/show.ts [PORT [TAGS]]`. */

import { millis } from '../../../runtime/core/units.ts';
import { anomaly, MODELS } from '../plant.ts';
import { startPlant } from './harness.ts';

const plant = await startPlant({
  tagCount: Number(process.argv[3] ?? 127),
  config: { port: Number(process.argv[2] ?? 8471) },
});
plant.status = { ...plant.status, models: MODELS };
for (let i = 0; i < 100; i++) {
  plant.poll(i / 8);
  plant.clock.advance(millis(5000));
}
plant.dashboard.accept([
  { ...plant.clock.stamp(), tag: plant.tags[40]!, value: null, quality: 'bad', reason: 'timeout' },
  { ...plant.clock.stamp(), tag: plant.tags[3]!, value: 41, quality: 'uncertain', reason: 'out-of-range' },
]);
for (let i = 0; i < 9; i++) {
  plant.dashboard.acceptEvent(anomaly(`past-${i}`, 'start', { group: 'outlet' }), plant.clock.stamp());
  plant.dashboard.acceptEvent(
    anomaly(`past-${i}`, 'end', { group: 'outlet', durationMs: 700_000 * i, score: 0.3, detector: 'fused' }),
    plant.clock.stamp(),
  );
}
plant.active.push(anomaly('a-1'), anomaly('a-2', 'update', { group: 'sludge', faultKind: 'sensor-failure' }));
for (const event of plant.active) plant.dashboard.acceptEvent(event, plant.clock.stamp());
let shift = 13;
setInterval(() => {
  shift += 0.1;
  plant.clock.advance(millis(1000));
  plant.poll(shift);
}, 1000);
console.log(plant.url('/'));
