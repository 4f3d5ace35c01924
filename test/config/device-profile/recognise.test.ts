/** Boards by what they say of themselves: a file system with the texts that real boards show. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { chooseProfile } from '../../../runtime/config/device-profile/choose.ts';
import { type BoardFacts, boardName, readBoardFacts } from '../../../runtime/config/device-profile/facts.ts';
import { loadProfile, shippedProfiles } from '../../../runtime/config/device-profile/load.ts';
import { sessionLimits } from '../../../runtime/config/device-profile/session-limits.ts';
import { bytes } from '../../../runtime/core/units.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-board-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const profiles = shippedProfiles();
let boards = 0;

/** A root with these files, read as the machine would be. */
function board(files: Readonly<Record<string, string>>, architecture = 'arm64'): BoardFacts {
  const root = join(folder, String(boards++));
  mkdirSync(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return { ...readBoardFacts(root), architecture };
}

const tree = (model: string, ...compatible: string[]) =>
  board({
    'proc/device-tree/model': `${model}\0`,
    'proc/device-tree/compatible': compatible.map((entry) => `${entry}\0`).join(''),
  });

const RELEASE = (board: string) =>
  `# R35 (release), REVISION: 4.1, GCID: 33958178, BOARD: ${board}, EABI: aarch64, DATE: Tue Aug  1 19:57:35 UTC 2023\n`;

const known: [BoardFacts, string][] = [
  [tree('Raspberry Pi 4 Model B Rev 1.5', 'raspberrypi,4-model-b', 'brcm,bcm2711'), 'raspberry-pi-4'],
  [
    tree('Raspberry Pi Compute Module 4 Rev 1.1', 'raspberrypi,4-compute-module', 'brcm,bcm2711'),
    'raspberry-pi-4',
  ],
  [tree('Raspberry Pi 400 Rev 1.0', 'raspberrypi,400', 'brcm,bcm2711'), 'raspberry-pi-4'],
  [tree('Raspberry Pi 5 Model B Rev 1.0', 'raspberrypi,5-model-b', 'brcm,bcm2712'), 'raspberry-pi-5'],
  [
    tree('Raspberry Pi 3 Model B Plus Rev 1.3', 'raspberrypi,3-model-b-plus', 'brcm,bcm2837'),
    'generic-arm64',
  ],
  [tree('Jetson-AGX', 'nvidia,p2972-0000', 'nvidia,tegra194'), 'jetson-agx-xavier'],
  [
    tree('NVIDIA Jetson AGX Xavier Developer Kit', 'nvidia,p2972-0000', 'nvidia,tegra194'),
    'jetson-agx-xavier',
  ],
  [
    tree('NVIDIA Jetson Xavier NX Developer Kit', 'nvidia,p3509-0000+p3668-0000', 'nvidia,tegra194'),
    'generic-arm64',
  ],
  [
    tree(
      'Jetson AGX Orin Developer Kit',
      'nvidia,p3737-0000+p3701-0005',
      'nvidia,p3701-0005',
      'nvidia,tegra234',
    ),
    'jetson-agx-orin',
  ],
  [
    tree(
      'NVIDIA Orin Nano Developer Kit',
      'nvidia,p3768-0000+p3767-0003',
      'nvidia,p3768-0000+p3767-0005',
      'nvidia,p3767-0003',
      'nvidia,p3767-0005',
      'nvidia,tegra234',
      'nvidia,tegra23x',
    ),
    'jetson-orin-nano',
  ],
  [
    tree(
      'NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super',
      'nvidia,p3768-0000+p3767-0005-super',
      'nvidia,tegra234',
    ),
    'jetson-orin-nano',
  ],
  [
    tree(
      'NVIDIA Jetson Orin NX Engineering Reference Developer Kit',
      'nvidia,p3768-0000+p3767-0000',
      'nvidia,tegra234',
    ),
    'generic-arm64',
  ],
  [
    tree('NVIDIA Jetson Nano Developer Kit', 'nvidia,p3450-0000', 'nvidia,jetson-nano', 'nvidia,tegra210'),
    'jetson-nano',
  ],
  [
    tree(
      'NVIDIA Jetson Nano 2GB Developer Kit',
      'nvidia,p3542-0000',
      'nvidia,jetson-nano',
      'nvidia,tegra210',
    ),
    'generic-arm64',
  ],
];

for (const [facts, expected] of known) {
  test(`${facts.model}: ${expected}`, () => {
    const { profile, board, why } = chooseProfile(facts, profiles);
    assert.is(profile.name, expected);
    assert.is(board, facts.model);
    if (!expected.startsWith('generic')) assert.match(why, /^\/proc\/device-tree\//);
  });
}

test('a Jetson that starts through UEFI, by DMI alone; by its model where compatible is not to be read', () => {
  const uefi = board({
    'sys/class/dmi/id/sys_vendor': 'NVIDIA\n',
    'sys/class/dmi/id/product_name': 'NVIDIA Jetson AGX Orin Developer Kit\n',
  });
  const choice = chooseProfile(uefi, profiles);
  assert.is(choice.profile.name, 'jetson-agx-orin');
  assert.is(choice.board, 'NVIDIA Jetson AGX Orin Developer Kit');
  assert.match(choice.why, /^\/sys\/class\/dmi/);
  const byModel = board({ 'sys/firmware/devicetree/base/model': 'Raspberry Pi 5 Model B Rev 1.1\0' });
  assert.is(chooseProfile(byModel, profiles).profile.name, 'raspberry-pi-5');
});

test('in a container on a Jetson only the release file is to be seen', () => {
  const nano = board({ 'etc/nv_tegra_release': RELEASE('t210ref') });
  assert.equal(nano.tegra, { release: 'R35.4.1', board: 't210ref' });
  assert.is(chooseProfile(nano, profiles).profile.name, 'jetson-nano');
  // Xavier and Orin share a name there.
  const some = chooseProfile(board({ 'etc/nv_tegra_release': RELEASE('t186ref') }), profiles);
  assert.is(some.profile.name, 'generic-arm64');
  assert.match(some.why, /name it with device\.profile/);
  assert.is(some.board, 'a Jetson (Jetson Linux R35.4.1)');
  // The 2 GB Nano says t210ref too, but its device tree says more.
  const facts = { ...nano, model: 'NVIDIA Jetson Nano 2GB Developer Kit', compatible: ['nvidia,p3542-0000'] };
  assert.is(chooseProfile(facts, profiles).profile.name, 'generic-arm64');
});

test('a PC, a machine that says nothing, an architecture without a profile', () => {
  const pc = board(
    {
      'sys/class/dmi/id/sys_vendor': 'QEMU\n',
      'sys/class/dmi/id/product_name': 'Standard PC (Q35 + ICH9, 2009)\n',
    },
    'x64',
  );
  const choice = chooseProfile(pc, profiles);
  assert.equal(
    [choice.profile.name, choice.board],
    ['generic-x86-64', 'QEMU Standard PC (Q35 + ICH9, 2009)'],
  );
  assert.is(boardName(board({}, 'x64')), 'an unnamed x64 machine');
  assert.is(chooseProfile(board({}, 'x64'), profiles).profile.name, 'generic-x86-64');
  const odd = chooseProfile(board({}, 'riscv64'), profiles);
  assert.is(odd.profile.name, 'generic-arm64');
  assert.match(odd.why, /no profile for riscv64/);
});

test('a named profile wins over what is recognised', () => {
  const pi = tree('Raspberry Pi 5 Model B Rev 1.0', 'raspberrypi,5-model-b', 'brcm,bcm2712');
  const named = { profile: loadProfile('raspberry-pi-4'), by: 'device.profile' };
  const choice = chooseProfile(pi, profiles, named);
  assert.equal([choice.profile.name, choice.why], ['raspberry-pi-4', 'named by device.profile']);
});

test('whatever the files hold, some profile is chosen', () => {
  const text = fc.oneof(fc.string(), fc.constantFrom('Raspberry Pi', '\0\0', 'nvidia,p3450-', '*', 'BOARD:'));
  fc.assert(
    fc.property(text, fc.array(text), text, text, (model, compatible, product, boardText) => {
      const facts: BoardFacts = {
        architecture: 'arm64',
        cores: 4,
        memory: bytes(4e9),
        model,
        compatible,
        dmi: { vendor: '', product },
        tegra: { release: 'R1', board: boardText },
      };
      assert.ok(profiles.includes(chooseProfile(facts, profiles).profile));
    }),
  );
});

test('limits on the very machine: never more threads, cores or memory than there are', () => {
  const pi = loadProfile('raspberry-pi-4');
  const limits = (cores: number, memory: number) => sessionLimits(pi, { cores, memory: bytes(memory) });
  assert.equal(limits(4, 2 * 2 ** 30), { threads: 3, memoryLimitBytes: 2 ** 29, affinity: [1, 2, 3] });
  assert.equal(limits(2, 16 * 2 ** 30), { threads: 1, memoryLimitBytes: 2 ** 30, affinity: [1] });
  assert.equal(limits(1, 2 ** 30), { threads: 1, memoryLimitBytes: 2 ** 28 });
  const pc = loadProfile('generic-x86-64');
  const threads = [1, 2, 3, 16].map((cores) => sessionLimits(pc, { cores, memory: bytes(1e9) }).threads);
  assert.equal(threads, [1, 1, 2, 2]);
});

test.run();
