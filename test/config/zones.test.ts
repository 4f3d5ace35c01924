/** A camera's zones, tripwires and schedules: what is wrong is said where, and what would be right. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadConfig } from '../../runtime/config/load.ts';
import { detectionConfig } from '../../runtime/config/schema/zones.ts';

const file = (detection: string, model = 'model: { manifest: yolox.manifest.json }') =>
  loadConfig(
    `node: { site: works, name: node-1 }
device: { profile: generic-x86-64 }
cameras:
  - name: yard
    source: { type: test }
    ${model}
    detection:
${detection
  .split('\n')
  .map((line) => `      ${line}`)
  .join('\n')}
`,
    '/',
  );

const problems = (detection: string, model?: string) =>
  file(detection, model).problems.map(({ message }) => message);

const only = (detection: string, expected: RegExp) => {
  const found = problems(detection);
  assert.is(found.length, 1, found.join('\n'));
  assert.match(found[0]!, expected);
};

const ZONE = 'polygon: [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]';

test('a zone in full, with a schedule and a tripwire', () => {
  const found = problems(`labels: [person, dog]
zones:
  - { name: gate, ${ZONE}, labels: [person], minConfidence: 0.6, dwell: 2s, anchor: center, schedule: nights }
  - { name: tree, ${ZONE}, mode: exclude }
tripwires:
  - { name: fence, line: [[0, 0.5], [1, 0.5]], direction: left-to-right }
schedules:
  - name: nights
    timeZone: Europe/Zurich
    whenUnsynced: disarmed
    hours: [{ days: [sat, sun] }, { from: 18:00, to: 06:00 }]`);
  assert.equal(found, []);
});

test('what is left out has a value', () => {
  const { tracker, events, zones, labels } = detectionConfig.parse({});
  assert.equal(labels, ['person']);
  assert.equal(zones, []);
  assert.is(tracker.lostFor, 3000);
  assert.is(events.exitDelay, 2000);
});

test('polygons: crossing themselves, too few corners, beyond the picture', () => {
  only(
    'zones: [{ name: a, polygon: [[0, 0], [1, 1], [1, 0], [0, 1]] }]',
    /crosses itself: the edge between corners 1–2 meets the edge between 3–4; give the corners in order/,
  );
  only('zones: [{ name: a, polygon: [[0, 0], [1, 1]] }]', /a list of at least 3/);
  only('zones: [{ name: a, polygon: [[0, 0], [1, 0], [1, 720]] }]', /a number of at most 1, found 720/);
  only('tripwires: [{ name: a, line: [[0.5, 0.5], [0.5, 0.5]] }]', /two different ends/);
});

test('names: twice, and a schedule that is not there', () => {
  only(
    `zones: [{ name: a, ${ZONE} }]\ntripwires: [{ name: a, line: [[0, 0], [1, 1]] }]`,
    /zone or tripwire 'a' appears twice \(first in zones\[0\]\)/,
  );
  only(
    `zones: [{ name: a, ${ZONE}, schedule: night }]
schedules: [{ name: nights, timeZone: UTC, hours: [{ from: 18:00 }] }]`,
    /there is no schedule 'night' in this camera's schedules: 'nights'/,
  );
  only(`zones: [{ name: a, ${ZONE}, schedule: night }]`, /none is defined/);
  only(`zones: [{ name: a, ${ZONE}, labels: [cat] }]`, /'cat' is not tracked: add it to the camera's labels/);
});

test('schedules: empty, no time zone, times that are none', () => {
  const of = (rest: string) => `schedules: [{ name: nights, ${rest} }]`;
  only(of('timeZone: UTC, hours: []'), /is empty, so nothing would ever be armed/);
  only(of('timeZone: Europe/Zürich, hours: [{}]'), /no time zone: expected a name of the IANA database/);
  only(of("timeZone: '+01:00', hours: [{}]"), /no time zone/);
  only(of("timeZone: UTC, hours: [{ from: '9:00' }]"), /expected a time of day such as '07:30'/);
  only(of("timeZone: UTC, hours: [{ from: '09:00', to: '09:00' }]"), /the span is empty/);
  only(of("timeZone: UTC, hours: [{ from: '24:00', to: '09:00' }]"), /'24:00' ends a day/);
  only(of('timeZone: UTC, hours: [{ days: [] }]'), /names no day/);
});

test('sizes that no box has, and keys that are not there', () => {
  only('size: { minHeight: 0.5, maxHeight: 0.4 }', /is not below maxHeight/);
  only('tracker: { lostfor: 3s }', /did you mean 'lostFor'/);
});

test('zones without a model find nothing', () => {
  const found = problems(`zones: [{ name: a, ${ZONE} }]`, 'fps: 10');
  assert.is(found.length, 1);
  assert.match(found[0]!, /nothing is found without a model/);
});

test.run();
