/** What boards say of their heat. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Celsius } from '../../../../runtime/core/units.ts';
import {
  parseTegrastats,
  parseThrottled,
  readThermalZones,
  readThrottled,
} from '../../../../runtime/pipeline/detection/rate/board.ts';
import { judgeHeat } from '../../../../runtime/pipeline/detection/rate/heat.ts';

const root = mkdtempSync(join(tmpdir(), 'vigie-board-'));
test.after(() => rmSync(root, { recursive: true }));

function zone(index: number, type: string, temp: string): void {
  const folder = join(root, 'sys/class/thermal', `thermal_zone${index}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'type'), `${type}\n`);
  writeFileSync(join(folder, 'temp'), temp);
}

test('zones are read, broken ones are passed over, and none is no error', () => {
  assert.equal(readThermalZones(join(root, 'nowhere')), []);
  zone(0, 'cpu-thermal', '61345\n');
  zone(1, 'off', '');
  zone(2, 'broken', '-274000\n');
  zone(3, 'words', 'warm\n');
  mkdirSync(join(root, 'sys/class/thermal/thermal_zone4'));
  mkdirSync(join(root, 'sys/class/thermal/cooling_device0'));
  assert.equal(readThermalZones(root), [{ type: 'cpu-thermal', temperature: 61.345 }]);
});

test('the firmware word on throttling: now, not since the start', () => {
  const none = { underVoltage: false, frequencyCapped: false, throttled: false, softTemperatureLimit: false };
  assert.equal(parseThrottled('throttled=0x0\n'), none);
  assert.equal(parseThrottled('throttled=0x50000'), none, 'it was, once');
  assert.equal(parseThrottled('throttled=0x50005'), { ...none, underVoltage: true, throttled: true });
  assert.equal(parseThrottled('e0008\n'), { ...none, softTemperatureLimit: true });
  assert.equal(parseThrottled('throttled=0x2'), { ...none, frequencyCapped: true });
  for (const text of ['', 'VCHI initialization failed', 'throttled=', '0x123456789']) {
    assert.is(parseThrottled(text), undefined, text);
  }
  assert.is(readThrottled(root), undefined);
  const folder = join(root, 'sys/devices/platform/soc/soc:firmware');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'get_throttled'), '4\n');
  assert.ok(readThrottled(root)!.throttled);
});

test('temperatures of tegrastats', () => {
  const line =
    'RAM 2364/3956MB (lfb 2x4MB) SWAP 0/1978MB CPU [24%@1224,off,off,17%@1224] EMC_FREQ 0% GR3D_FREQ 0% PLL@41C CPU@43.5C PMIC@100C GPU@42C AO@48.5C thermal@43.25C tj@-256C';
  assert.equal(
    parseTegrastats(line).map(({ type, temperature }) => [type, temperature]),
    [
      ['PLL', 41],
      ['CPU', 43.5],
      ['PMIC', 100],
      ['GPU', 42],
      ['AO', 48.5],
      ['thermal', 43.25],
    ],
  );
});

test('any text is read without harm', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      parseThrottled(text);
      for (const { temperature } of parseTegrastats(`${text}@1C`)) assert.ok(temperature < 200);
    }),
  );
});

test('the worst of all zones and of the firmware counts, with its reason', () => {
  const limits = [{ types: ['cpu-thermal', 'soc'], easeOff: 75, throttle: 80 }];
  const at = (type: string, temperature: number) => [{ type, temperature: temperature as Celsius }];
  assert.equal(judgeHeat([], limits, undefined), { level: 'cool', reason: '' });
  assert.is(judgeHeat(at('cpu-thermal', 60), limits, undefined).level, 'cool');
  assert.is(judgeHeat(at('cpu-thermal', 72), limits, undefined).level, 'settled');
  assert.equal(judgeHeat(at('soc', 76), limits, undefined), {
    level: 'warm',
    reason: 'soc is at 76.0 °C, warmer than 75 °C',
  });
  assert.is(judgeHeat(at('cpu-thermal', 80), limits, undefined).level, 'hot');
  assert.is(judgeHeat(at('nvme', 99), limits, undefined).level, 'cool', 'not of the profile');
  const firmware = judgeHeat(at('soc', 76), limits, parseThrottled('4'));
  assert.equal(firmware, { level: 'hot', reason: 'the firmware throttles the processor' });
  assert.is(judgeHeat([], limits, parseThrottled('1')).level, 'warm');
});

test.run();
