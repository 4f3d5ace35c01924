/** Shows a made-up camera's page, to look at it while working on it: `bin/node test/sinks/dashboard/cameras/show.ts [PORT]`. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileZoneStore } from '../../../../runtime/config/zones/file-zone-store.ts';
import { millis } from '../../../../runtime/core/units.ts';
import { CAMERA_PAGES, startPlant } from '../harness.ts';
import { intrusion, MadeUpCamera, stamp, ZONES } from './made-up-camera.ts';

const file = join(mkdtempSync(join(tmpdir(), 'vigie-show-')), 'vigie.yaml');
writeFileSync(file, ZONES);
const camera = new MadeUpCamera();
camera.open.push({ event: intrusion('i-1'), stamp: stamp() });
const plant = await startPlant({
  cameras: [camera, new MadeUpCamera('yard')],
  zones: new FileZoneStore(file),
  config: { port: Number(process.argv[2] ?? 8472), cameras: CAMERA_PAGES },
});
plant.poll();
setInterval(() => {
  plant.clock.advance(millis(100));
  camera.show();
}, 100);
console.log(plant.url('/cameras/gate/'), file);
