import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readAnnotations } from '../../../evaluation/detection/annotations.ts';
import { readExpectation } from '../../../evaluation/detection/expectation.ts';
import { InputError } from '../../../runtime/core/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'vigie-annotations-'));
test.after(() => rmSync(folder, { recursive: true }));

const path = join(folder, 'file.json');
const write = (value: unknown) => {
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
};
const refused = (read: () => unknown, expected: RegExp) => {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof InputError, String(error));
    assert.match(error.message, expected);
    return;
  }
  assert.unreachable('was not refused');
};

test('boxes of persons by their corners', () => {
  const [picture] = readAnnotations(
    write({ images: [{ file: 'a.jpg', person_boxes_xyxy: [[1, 2, 11, 22]] }] }),
  );
  assert.equal(picture, { file: 'a.jpg', boxes: new Map([['person', [[1, 2, 10, 20]]]]) });
});

test("COCO's own form, without crowds", () => {
  const root = {
    images: [
      { id: 7, file_name: 'a.jpg' },
      { id: 8, file_name: 'b.jpg' },
    ],
    categories: [
      { id: 1, name: 'person' },
      { id: 18, name: 'dog' },
    ],
    annotations: [
      { image_id: 7, category_id: 1, bbox: [1, 2, 3, 4], iscrowd: 0 },
      { image_id: 7, category_id: 18, bbox: [5, 6, 7, 8] },
      { image_id: 7, category_id: 1, bbox: [0, 0, 90, 90], iscrowd: 1 },
    ],
  };
  const [a, b] = readAnnotations(write(root));
  assert.equal(
    [...a!.boxes],
    [
      ['person', [[1, 2, 3, 4]]],
      ['dog', [[5, 6, 7, 8]]],
    ],
  );
  assert.is(b!.boxes.size, 0);
  root.annotations[0]!.category_id = 2;
  refused(() => readAnnotations(write(root)), /annotations\[0\]: its image_id or category_id/);
});

test('what is no annotation is said with its place', () => {
  refused(() => readAnnotations(join(folder, 'none.json')), /cannot be read/);
  refused(() => readAnnotations(write('{')), /cannot be read as JSON/);
  refused(() => readAnnotations(write([])), /the file: expected an object/);
  refused(
    () => readAnnotations(write({ images: [{ file: 'a' }] })),
    /images\[0\]\.person_boxes_xyxy: expected a list/,
  );
  const bad = { images: [{ file: 'a', person_boxes_xyxy: [[1, 2, null, 4]] }] };
  refused(() => readAnnotations(write(bad)), /expected four numbers/);
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      try {
        readAnnotations(write(value));
      } catch (error) {
        assert.ok(error instanceof InputError, String(error));
      }
    }),
  );
});

test('an expectation names its zones, and its mistakes have a line', () => {
  const right = readExpectation(write('events: [{ at: 1.5s }]\nopen: { picture: 1 }\n'));
  assert.is(right.events[0]!.at, 1500);
  assert.is(right.events[0]!.zone, 'picture');
  assert.equal(readExpectation(write('')).events, []);
  refused(
    () => readExpectation(write('events:\n  - { zone: gate, at: 1s }\n')),
    /:2:.*there is no zone 'gate'/,
  );
  refused(() => readExpectation(write('open: { gate: 1 }')), /there is no zone 'gate'/);
  refused(() => readExpectation(write('events:\n  - { at: 1 }\n')), /:2:/);
  refused(() => readExpectation(join(folder, 'none')), /cannot be read/);
});

test.run();
