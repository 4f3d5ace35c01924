/** Changes to signed metadata: of bytes, and of the tokens and structure of its JSON. */

import type { Random } from '../../../../../simulator/random.ts';

const TOKENS = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  '{}',
  '[]',
  '""',
  'null',
  'true',
  '0',
  '-1',
  '1.5',
  '1e300',
  '9007199254740992',
  '\\u0000',
  '\\ud800',
  '\ufeff',
  '\u0000',
  '"signed":',
  '"signatures":',
  '"keyid":',
  '"sig":',
  '"version":2,',
  '"__proto__":{},',
  '"length":1,',
  ' ',
  '\n',
  '"meta":{},',
  '"2999-01-01T00:00:00Z"',
].map((token) => Buffer.from(token));

type Change = (bytes: Buffer, random: Random, others: readonly Uint8Array[]) => Buffer;

const index = (random: Random, length: number) => Math.floor(random.next() * length);
const splice = (bytes: Buffer, at: number, removed: number, put: Uint8Array) =>
  Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + removed)]);

const CHANGES: readonly Change[] = [
  (bytes, random) => {
    bytes[index(random, bytes.length)]! ^= 1 << index(random, 8);
    return bytes;
  },
  (bytes, random) => splice(bytes, index(random, bytes.length), 1, Buffer.of(index(random, 256))),
  (bytes, random) => splice(bytes, index(random, bytes.length), index(random, 4), random.pick(TOKENS)),
  (bytes, random) => splice(bytes, index(random, bytes.length), index(random, 40), Buffer.alloc(0)),
  (bytes, random) => bytes.subarray(0, index(random, bytes.length)),
  (bytes, random) => {
    const from = index(random, bytes.length);
    return splice(bytes, index(random, bytes.length), 0, bytes.subarray(from, from + index(random, 120)));
  },
  (bytes, random, others) => {
    const other = Buffer.from(random.pick(others));
    const from = index(random, other.length);
    const to = from + index(random, 200);
    return splice(bytes, index(random, bytes.length), index(random, 200), other.subarray(from, to));
  },
  (bytes, random) => restructured(bytes, random),
];

/** One to four changes, one after the other. */
export function mutate(bytes: Uint8Array, others: readonly Uint8Array[], random: Random): Buffer {
  let mutated = Buffer.from(bytes);
  for (let i = 1 + index(random, 4); i > 0; i--)
    if (mutated.length > 0) mutated = Buffer.from(random.pick(CHANGES)(mutated, random, others));
  return mutated;
}

const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1,
  2 ** 40,
  '',
  'a',
  [],
  {},
  [{}],
  '2999-01-01T00:00:00Z',
];

/** Sets, removes or doubles a field somewhere in the tree; as it was where the bytes are no JSON any more. */
function restructured(bytes: Buffer, random: Random): Buffer {
  let tree: unknown;
  try {
    tree = JSON.parse(bytes.toString());
  } catch {
    return bytes;
  }
  const places: [Record<string, unknown>, string][] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      places.push([node as Record<string, unknown>, key]);
      walk(value);
    }
  };
  walk(tree);
  if (places.length === 0) return bytes;
  const [node, key] = random.pick(places);
  const change = index(random, 4);
  if (change === 0) node[key] = random.pick(VALUES);
  else if (change === 1 && Array.isArray(node)) node.push(node[0]);
  else if (change === 1) delete node[key];
  else if (change === 2) node[random.pick(['x', '__proto__', 'version', 'threshold'])] = random.pick(VALUES);
  else node[key] = structuredClone(random.pick(places)[0]);
  return Buffer.from(JSON.stringify(tree));
}
