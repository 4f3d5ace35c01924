/** Own profiles: every error with its place, and a node that runs whatever the file says. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadChecked } from '../../../runtime/config/checked-config.ts';
import { findDevice } from '../../../runtime/config/device-profile/device.ts';
import { loadProfile, parseProfile } from '../../../runtime/config/device-profile/load.ts';
import { loadRunnable } from '../../../runtime/config/last-known-good.ts';
import { loadConfig } from '../../../runtime/config/load.ts';
import { formatProblem } from '../../../runtime/config/problem.ts';
import { InputError } from '../../../runtime/core/errors.ts';
import { packageRoot } from '../../../runtime/core/paths.ts';
import { vigieHere } from '../../support/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-profile-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const GOOD = readFileSync(join(packageRoot, 'device-profiles/raspberry-pi-4.yaml'), 'utf8');
const problemsOf = (text: string) =>
  parseProfile(text).problems.map((problem) => formatProblem('my.yaml', problem));
const changed = (from: string, to: string) => {
  assert.ok(GOOD.includes(from), from);
  return GOOD.replace(from, to);
};
const lineOf = (text: string, part: string) => text.split('\n').findIndex((line) => line.includes(part)) + 1;

const wrong: [text: string, at: string, says: RegExp][] = [
  [
    changed('  affinity:', '  afinity:'),
    'afinity',
    /models\.afinity: unknown key; did you mean 'affinity'\?/,
  ],
  [changed('precision: int8', 'precision: int9'), 'int9', /expected one of float32, float16, int8/],
  [changed('1GiB', 'lots'), 'lots', /models\.memory\.most: 'lots' is not a size/],
  [changed('share: 0.25', 'share: 25'), 'share: 25', /at most 0\.9/],
  [
    changed('[xnnpack, onnxruntime]', '[tensorrt]'),
    '[tensorrt]',
    /models\.backends: names tensorrt, whose settings/,
  ],
  [changed('[xnnpack, onnxruntime]', '[xnnpack, xnnpack]'), 'xnnpack, xnnpack', /names a backend twice/],
  [changed('easeOff: 75', 'easeOff: 80'), 'easeOff: 80', /easeOff: is not below throttle/],
  [
    changed('{device}', '{devise}'),
    'usb:',
    /camera\.usb: has an unknown placeholder; there are .*\{device\}/,
  ],
];

for (const [text, at, says] of wrong) {
  test(`${says.source}: at its line`, () => {
    const problems = problemsOf(text);
    assert.is(problems.length, 1, problems.join('\n'));
    assert.match(problems[0]!, says);
    assert.ok(problems[0]!.startsWith(`my.yaml:${lineOf(text, at)}:`), problems[0]);
  });
}

test('what is missing is named with its purpose; no profile at all says what to do', () => {
  assert.match(problemsOf(changed('title:', '# title:'))[0]!, /title: is missing\. The board, for people/);
  assert.match(problemsOf('')[0]!, /start from a copy of a shipped profile/);
  assert.match(problemsOf('a: [')[0]!, /my\.yaml:1:/);
  assert.match(problemsOf('- a')[0]!, /expected object/);
});

test('whatever the text is, there is a profile or a problem', () => {
  const bit = fc.record({ at: fc.nat(GOOD.length), drop: fc.nat(30), put: fc.string({ maxLength: 5 }) });
  fc.assert(
    fc.property(bit, ({ at, drop, put }) => {
      const { profile, problems } = parseProfile(GOOD.slice(0, at) + put + GOOD.slice(at + drop));
      assert.is(profile === undefined, problems.length > 0);
    }),
  );
});

test('names and paths: the nearest name, the file that is not there', () => {
  const code = (reference: string) => {
    try {
      loadProfile(reference);
      return [];
    } catch (error) {
      assert.instance(error, InputError);
      return [(error as InputError).code, (error as InputError).message];
    }
  };
  assert.equal(code('raspbery-pi-4'), [
    'device-profile-unknown',
    "no device profile 'raspbery-pi-4'; did you mean 'raspberry-pi-4'?",
  ]);
  assert.is(code(join(folder, 'absent.yaml'))[0], 'device-profile-unreadable');
  assert.match(code('toaster')[1]!, /there are: generic-arm64, .*or name a file/);
  const file = join(folder, 'broken.yaml');
  writeFileSync(file, 'nam: x\n');
  assert.is(code(file)[0], 'device-profile-invalid');
});

const site = (device: string) => `node: { site: a, name: b }\ndevice: { profile: ${device} }\n`;

test('vigie.yaml: by name, by a path beside it; a wrong one is a problem at its place and stops nothing', () => {
  writeFileSync(join(folder, 'my-board.yaml'), changed('name: raspberry-pi-4', 'name: my-board'));
  const file = join(folder, 'vigie.yaml');
  const chosen = (device: string) => {
    writeFileSync(file, site(device));
    const { device: choice, state, problems } = loadRunnable(file, folder);
    return [choice.profile.name, choice.why, state, problems.length];
  };
  assert.equal(chosen('jetson-nano'), ['jetson-nano', 'named by device.profile', 'ok', 0]);
  assert.equal(chosen('my-board.yaml'), ['my-board', 'named by device.profile', 'ok', 0]);
  const recognised = findDevice();
  assert.equal(chosen('jetson-nanno'), [recognised.profile.name, recognised.why, 'quarantine', 1]);
  const { problems } = loadConfig(site('broken.yaml'), folder);
  assert.is(formatProblem('vigie.yaml', problems[0]!).split('\n').length, 8);
  assert.match(
    formatProblem('vigie.yaml', problems[0]!),
    /^vigie\.yaml:2:20: device\.profile: .*broken\.yaml:1:1: /,
  );
});

test('check: a wrong profile takes no tag with it', async () => {
  const file = join(folder, 'vigie.yaml');
  writeFileSync(file, site('jetson-nanno'));
  const { code, stdout } = await vigieHere(['check', file]);
  assert.is(code, 1);
  assert.match(
    stdout,
    /vigie\.yaml:2:20: device\.profile: no device profile 'jetson-nanno'; did you mean 'jetson-nano'\?\n/,
  );
  assert.match(stdout, '1 error: the node would run 0 tags\n');
});

test('what the child found is used again until the own profile changes', async () => {
  const [data, file, own] = [join(folder, 'data'), join(folder, 'vigie.yaml'), join(folder, 'own.yaml')];
  writeFileSync(file, site('own.yaml'));
  const write = (maxBatch: number) => writeFileSync(own, changed('maxBatch: 4', `maxBatch: ${maxBatch}`));
  const maxBatch = async () => (await loadChecked(file, data, '1')).device.profile.models.maxBatch;
  write(5);
  assert.is(await maxBatch(), 5);
  const kept = join(data, 'vigie.checked.json');
  writeFileSync(kept, readFileSync(kept, 'utf8').replace('"maxBatch":5', '"maxBatch":55'));
  assert.is(await maxBatch(), 55);
  write(6);
  assert.is(await maxBatch(), 6);
});

test.run();
