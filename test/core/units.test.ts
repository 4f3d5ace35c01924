import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseBytes, parseDuration } from '../../runtime/core/units.ts';

test('durations name their unit', () => {
  assert.is(parseDuration('500ms'), 500);
  assert.is(parseDuration('1.5 min'), 90_000);
  assert.is(parseDuration('2h'), 7_200_000);
});

test('a bare number, a negative one and an unknown unit are refused', () => {
  for (const text of ['500', '-1s', '5 sec', '', 'ms', '1e3ms'])
    assert.is(parseDuration(text), undefined, text);
});

test('byte sizes tell decimal from binary prefixes', () => {
  assert.is(parseBytes('1kB'), 1000);
  assert.is(parseBytes('1KiB'), 1024);
  assert.is(parseBytes('1K'), undefined);
});

test.run();
