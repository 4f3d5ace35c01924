/** Every profile that is shipped: valid, complete, and with the numbers its board was given. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { loadProfile, profileNames } from '../../../runtime/config/device-profile/load.ts';
import { packageRoot } from '../../../runtime/core/paths.ts';

const read = (name: string) => readFileSync(join(packageRoot, 'device-profiles', `${name}.yaml`), 'utf8');

test('all boards are there', () => {
  assert.equal(profileNames(), [
    'generic-arm64',
    'generic-x86-64',
    'jetson-agx-orin',
    'jetson-agx-xavier',
    'jetson-nano',
    'jetson-orin-nano',
    'raspberry-pi-4',
    'raspberry-pi-5',
  ]);
});

for (const name of profileNames()) {
  test(`${name}: the node's schema and the editors' take it`, () => {
    const profile = loadProfile(name);
    assert.is(profile.name, name);
    const schema = JSON.parse(
      readFileSync(join(packageRoot, 'docs/schema/device-profile.schema.json'), 'utf8'),
    );
    const check = new Ajv2020({ strict: false }).compile(schema);
    assert.ok(check(parse(read(name))), JSON.stringify(check.errors));
  });

  test(`${name}: any machine can run something, and cores exist that are named`, () => {
    const { models, cpu, recognise } = loadProfile(name);
    assert.is(models.backends.at(-1), 'onnxruntime');
    if (cpu.cores !== undefined) assert.ok(models.affinity.every((core) => core < cpu.cores!));
    if (models.affinity.length > 0) assert.is(models.affinity.length, models.threads);
    const told = [recognise.compatible, recognise.models, recognise.tegraBoards].some(({ length }) => length);
    assert.is(told, !name.startsWith('generic-'));
  });
}

test('the numbers the boards were given', () => {
  const numbers = (name: string) => {
    const { models, cpu } = loadProfile(name);
    return [models.precision, models.maxBatch, models.tensorrt?.computeCapability, cpu.dotProduct];
  };
  assert.equal(numbers('jetson-agx-xavier'), ['int8', 32, '7.2', false]);
  assert.equal(numbers('jetson-nano'), ['float16', 8, '5.3', false]);
  assert.equal(numbers('raspberry-pi-4'), ['int8', 4, undefined, false]);
  assert.equal(numbers('raspberry-pi-5'), ['int8', 8, undefined, true]);
  for (const name of ['jetson-agx-xavier', 'jetson-agx-orin', 'jetson-orin-nano', 'jetson-nano'])
    assert.is(loadProfile(name).models.backends[0], 'tensorrt');
  assert.is(loadProfile('raspberry-pi-4').cpu.core, 'Cortex-A72');
});

test('cameras: libcamera on a Pi, Argus on a Jetson, V4L2 everywhere', () => {
  const csi = (name: string) => loadProfile(name).camera.csi ?? '';
  assert.match(csi('raspberry-pi-5'), /^libcamerasrc /);
  assert.match(csi('jetson-nano'), /^nvarguscamerasrc .*nvvidconv/);
  assert.is(csi('generic-arm64'), '');
  for (const name of profileNames()) assert.match(loadProfile(name).camera.usb, /^v4l2src device=\{device\}/);
});

test.run();
