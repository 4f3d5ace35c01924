import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nearestName } from '../../runtime/core/nearest-name.ts';

const KEYS = ['node', 'log', 'sources', 'anomaly', 'outbox', 'mqtt', 'http'];

test('a letter wrong, missing, too many or swapped finds the name that was meant', () => {
  const typos = {
    soures: 'sources',
    sourcess: 'sources',
    lgo: 'log',
    mqqt: 'mqtt',
    HTTP: 'http',
    outbix: 'outbox',
  };
  for (const [wrong, meant] of Object.entries(typos)) assert.is(nearestName(wrong, KEYS), meant, wrong);
});

test('what resembles nothing is not guessed', () => {
  for (const wrong of ['cameras', 'x', '', 'broker']) assert.is(nearestName(wrong, KEYS), undefined, wrong);
  assert.is(nearestName('node', []), undefined);
});

test('one edit of a name of four letters or more is always recognised', () => {
  const names = KEYS.filter((name) => name.length >= 4);
  fc.assert(
    fc.property(
      fc.constantFrom(...names),
      fc.nat(20),
      fc.constantFrom('drop', 'double', 'swap'),
      (name, at, edit) => {
        const i = at % (name.length - 1);
        const head = name.slice(0, i);
        const wrong =
          edit === 'drop'
            ? head + name.slice(i + 1)
            : edit === 'double'
              ? head + name[i] + name.slice(i)
              : head + name[i + 1] + name[i] + name.slice(i + 2);
        assert.is(nearestName(wrong, KEYS), name);
      },
    ),
  );
});

test.run();
