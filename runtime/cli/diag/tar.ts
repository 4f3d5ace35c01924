/** A tar archive in memory, as POSIX describes it (ustar). The same files make the same bytes. */

const BLOCK = 512;
const LONGEST_NAME = 100;

export interface TarFile {
  /** Of at most 100 bytes. */
  readonly name: string;
  readonly content: Uint8Array;
}

/** @param mtime of all files, seconds since 1970. */
export function tar(files: readonly TarFile[], mtime: number): Buffer {
  const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  const parts = sorted.flatMap(({ name, content }) => [
    header(name, content.length, mtime),
    content,
    Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK),
  ]);
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

function header(name: string, size: number, mtime: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  if (Buffer.byteLength(name) > LONGEST_NAME)
    throw new RangeError(`${name} is longer than ${LONGEST_NAME} bytes`);
  const octal = (value: number, at: number, digits: number) =>
    block.write(Math.floor(value).toString(8).padStart(digits, '0'), at, 'latin1');
  block.write(name, 0);
  octal(0o600, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(size, 124, 11);
  octal(mtime, 136, 11);
  block.write(' '.repeat(8), 148);
  block.write('0', 156);
  block.write('ustar\u000000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
