import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FileZoneStore } from '../../../runtime/config/zones/file-zone-store.ts';
import { readZones, writeZones } from '../../../runtime/config/zones/zone-file.ts';
import type { CameraZones, ZonesWritten } from '../../../runtime/core/zone-store.ts';
import { rejects } from '../../support/rejects.ts';

const CONFIG = `# The gate of the plant in Lyon.
node: { site: lyon, name: gate }

cameras:
  # Looks down the road.
  - name: yard
    source: { type: test }
    model: { manifest: person }
    detection:
      zones:
        # Everything before the fence.
        - name: approach
          polygon: [[0, 0.5], [1, 0.5], [1, 1], [0, 1]] # measured by Anne
          dwell: 2s
        - name: street
          mode: exclude
          polygon:
            - [0, 0]
            - [1, 0]
            - [1, 0.2]
      tripwires:
        - { name: fence, line: [[0, 0.5], [1, 0.5]], direction: left-to-right, minConfidence: 0.6 }
  - name: hall # no model yet
    source: { type: test }
`;
let folder: string;
let file: string;
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigie-zones-'));
  file = join(folder, 'vigie.yaml');
  writeFileSync(file, CONFIG, { mode: 0o600 });
});
test.after.each(() => rmSync(folder, { recursive: true }));

const now = () => readFileSync(file, 'utf8');
const write = (zones: CameraZones, camera = 'yard'): ZonesWritten =>
  writeZones(file, camera, { ...zones, revision: readZones(file, camera).revision });
function read(): CameraZones {
  const { zones, tripwires } = readZones(file, 'yard');
  return { zones, tripwires };
}

test('zones are read with their names', () => {
  const { zones, tripwires, readOnly } = readZones(file, 'yard');
  assert.equal(
    zones.map(({ name, was, mode }) => [name, was, mode]),
    [
      ['approach', 'approach', 'include'],
      ['street', 'street', 'exclude'],
    ],
  );
  assert.is(tripwires[0]!.direction, 'left-to-right');
  assert.is(readOnly, undefined);
});

test('writing what was read changes nothing', () => {
  const written = write(read());
  assert.ok('revision' in written && written.takesEffect === 'at-restart');
  assert.is(now(), CONFIG);
  assert.is(statSync(file).mode & 0o777, 0o600);
});

test('a moved corner changes its own line; comments and what the page does not know stay', () => {
  const { zones, tripwires } = read();
  const moved = [
    [0, 0.61237],
    [1, 0.5],
    [1, 1],
    [0, 1],
  ] as [number, number][];
  write({ zones: [{ ...zones[0]!, polygon: moved, name: 'near' }, zones[1]!], tripwires });
  assert.is(
    now(),
    CONFIG.replace('[[0, 0.5], [1, 0.5], [1, 1], [0, 1]]', '[[0, 0.6124], [1, 0.5], [1, 1], [0, 1]]').replace(
      'name: approach',
      'name: near',
    ),
  );
});

test('zones come, go and change places', () => {
  const { zones, tripwires } = read();
  const fresh = {
    name: 'door',
    polygon: [
      [0.1, 0.1],
      [0.2, 0.1],
      [0.2, 0.3],
    ] as [number, number][],
    mode: 'include' as const,
  };
  write({ zones: [zones[1]!, fresh], tripwires: [{ ...tripwires[0]!, direction: 'both' }] });
  const after = read();
  assert.equal(
    after.zones.map(({ name, mode }) => [name, mode]),
    [
      ['street', 'exclude'],
      ['door', 'include'],
    ],
  );
  assert.match(now(), /minConfidence: 0.6/);
  write({ zones: [], tripwires: [] });
  assert.equal(read(), { zones: [], tripwires: [] });
  assert.match(now(), /# The gate of the plant in Lyon\./);
  write({ zones: [fresh], tripwires: [] });
  assert.equal(read().zones[0]!.name, 'door');
});

test('what the schema refuses is told at its field, and nothing is written', () => {
  const { zones, tripwires } = read();
  const problems = (edit: CameraZones) => {
    const written = write(edit);
    assert.is(now(), CONFIG);
    return 'problems' in written
      ? written.problems.map(({ path, message }) => [path.join('.'), message])
      : [];
  };
  const bow = [
    [0, 0],
    [1, 1],
    [1, 0],
    [0, 1],
  ] as [number, number][];
  const [[path, message]] = problems({ zones: [{ ...zones[0]!, polygon: bow }], tripwires }) as [
    [string, string],
  ];
  assert.is(path, 'zones.0.polygon');
  assert.match(message, /crosses itself/);
  assert.is(
    problems({ zones: [zones[0]!, { ...zones[1]!, name: 'fence' }], tripwires })[0]![0],
    'tripwires.0.name',
  );
  assert.is(problems({ zones: [{ ...zones[0]!, name: 'a b' }], tripwires })[0]![0], 'zones.0.name');
  assert.is(
    problems({ zones: [{ ...zones[0]!, polygon: bow.slice(2) }], tripwires })[0]![0],
    'zones.0.polygon',
  );
  const outside = [
    [0, 0],
    [2, 0],
    [1, 1],
  ] as [number, number][];
  assert.is(
    problems({ zones: [{ ...zones[0]!, polygon: outside }], tripwires })[0]![0],
    'zones.0.polygon.1.0',
  );
});

test('a camera without a model takes no zones; one without detection gets it', () => {
  const edit = { zones: [{ ...read().zones[1]!, was: undefined }], tripwires: [] };
  const { was, ...zone } = edit.zones[0]!;
  assert.is(was, undefined);
  const refused = write({ zones: [zone], tripwires: [] }, 'hall');
  assert.match(JSON.stringify(refused), /without a model/);
  writeFileSync(file, CONFIG.replace('# no model yet', '\n    model: { manifest: person }'));
  assert.ok('revision' in write({ zones: [zone], tripwires: [] }, 'hall'));
  assert.is(readZones(file, 'hall').zones.length, 1);
});

test('a file that somebody changed, foreign data and unknown cameras are refused', async () => {
  const edit = { ...readZones(file, 'yard') };
  writeFileSync(file, `${CONFIG}\n# changed\n`);
  const store = new FileZoneStore(file);
  await rejects(store.write('yard', { zones: [], tripwires: [], revision: edit.revision }), 'config-changed');
  await rejects(store.read('roof'), 'unknown-camera');
  assert.is((await store.read('yard')).zones.length, 2);
  for (const foreign of [null, 3, [], { zones: 3 }, { zones: [], tripwires: [], revision: 'x', more: 1 }]) {
    const written = await store.write('yard', foreign);
    assert.ok('problems' in written && written.problems.length > 0, JSON.stringify(foreign));
  }
});

test('a file that is to be mended first, a missing one, and zones behind an anchor are refused', async () => {
  const store = new FileZoneStore(file);
  writeFileSync(file, CONFIG.replace('lyon, name', 'lyon, nam'));
  await rejects(store.read('yard'), 'config-invalid');
  rmSync(file);
  await rejects(store.read('yard'), 'config-unreadable');
  const anchored = CONFIG.replace('zones:', 'zones: &all').replace(
    'source: { type: test }\n`',
    'source: { type: test }',
  );
  writeFileSync(
    file,
    `${anchored.replace('# no model yet', '')}    model: { manifest: person }\n    detection: { zones: *all }\n`,
  );
  const { revision, zones } = readZones(file, 'hall');
  await rejects(store.write('hall', { zones, tripwires: [], revision }), 'config-read-only');
});

test('a store that is read-only says why and writes nothing', async () => {
  const store = new FileZoneStore(file, 'it came as an update');
  const { revision, readOnly } = await store.read('yard');
  assert.is(readOnly, 'it came as an update');
  await rejects(store.write('yard', { zones: [], tripwires: [], revision }), 'config-read-only');
  assert.is(now(), CONFIG);
});

test('a folder that may not be written is told beforehand', () => {
  if (process.getuid?.() === 0) return;
  chmodSync(folder, 0o500);
  try {
    assert.match(readZones(file, 'yard').readOnly!, /may not write/);
  } finally {
    chmodSync(folder, 0o700);
  }
});

test.run();
