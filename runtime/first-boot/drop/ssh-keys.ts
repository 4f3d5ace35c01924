/** authorized_keys as a person drops it: public keys of OpenSSH, one a line. Pure. */

import type { Problem } from '../../config/problem.ts';

const TYPES = new Set([
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
]);
const MOST_KEYS = 100;

/** @returns the keys and what is wrong, by line and column. Lines with options in front of the key are kept as they are. */
export function checkSshKeys(text: string): { keys: string[]; problems: Problem[] } {
  const keys: string[] = [];
  const problems: Problem[] = [];
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const at = { path: [], line: index + 1, column: line.indexOf(trimmed) + 1 };
    if (/^-----BEGIN .*PRIVATE KEY/.test(trimmed)) {
      const message =
        'this is a private key, which must never leave your computer: make a new pair (ssh-keygen), and drop the file that ends in .pub';
      return { keys: [], problems: [{ ...at, message }] };
    }
    const message = keys.length >= MOST_KEYS ? `at most ${MOST_KEYS} keys are read` : problemOf(trimmed);
    if (message) problems.push({ ...at, message });
    else keys.push(trimmed);
    if (keys.length >= MOST_KEYS && message) break;
  }
  return { keys, problems };
}

function problemOf(line: string): string | undefined {
  const words = splitWords(line);
  const at = words.findIndex((word) => TYPES.has(word));
  if (at < 0 || at > 1)
    return `expected a public key, such as 'ssh-ed25519 AAAA… name'; found '${line.slice(0, 24)}…'`;
  const blob = words[at + 1] ?? '';
  const bytes = Buffer.from(blob, 'base64');
  const whole = /^[A-Za-z0-9+/]+={0,2}$/.test(blob) && blob.length % 4 === 0 && isWhole(bytes);
  if (!whole) return 'the key is cut off or broken: copy the whole line of the .pub file';
  const length = bytes.readUInt32BE(0);
  if (bytes.subarray(4, 4 + length).toString() !== words[at])
    return `the key is no ${words[at]}: copy the whole line of the .pub file`;
  return undefined;
}

/** A sequence of length-prefixed fields that ends where the bytes end. */
function isWhole(bytes: Buffer): boolean {
  let at = 0;
  let fields = 0;
  for (; at + 4 <= bytes.length; fields++) at += 4 + bytes.readUInt32BE(at);
  return at === bytes.length && fields >= 2;
}

/** Options may hold spaces within quotes: `command="a b",no-pty ssh-ed25519 …`. */
function splitWords(line: string): string[] {
  return line.match(/(?:"(?:\\"|[^"])*"|[^\s"])+/g) ?? [];
}
