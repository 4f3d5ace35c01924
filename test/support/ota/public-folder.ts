/** A repository's public folder with made-up content. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blobFacts } from '../../../ota/bundle/block-map.ts';
import { MemorySink, sha256Of } from '../../../ota/client/store/memory-sink.ts';
import { Random } from '../../../simulator/random.ts';

export class PublicFolder {
  readonly directory = mkdtempSync(join(tmpdir(), 'vigie-public-'));

  constructor() {
    mkdirSync(join(this.directory, 'metadata'));
    mkdirSync(join(this.directory, 'blobs'));
  }

  /** @returns its SHA-256. */
  blob(content: Uint8Array): string {
    const sha256 = sha256Of(content);
    writeFileSync(join(this.directory, 'blobs', sha256), content);
    return sha256;
  }
  metadata(name: string, content: string | Uint8Array): void {
    writeFileSync(join(this.directory, 'metadata', name), content);
  }
  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Bytes that no compression helps, the same for the same seed. */
export function randomBytes(length: number, seed = 1): Uint8Array {
  const random = new Random(seed);
  const words = new Uint32Array(Math.ceil(length / 4)).map(() => random.next() * 2 ** 32);
  return new Uint8Array(words.buffer, 0, length);
}

/** Where a blob with this content goes. @param mapped whether each block has a hash of its own. */
export function sinkFor(content: Uint8Array, mapped = true): MemorySink {
  const { sha256, length, map } = blobFacts(content);
  return new MemorySink(sha256, length, { most: 2 ** 31, ...(mapped && { hashes: map }) });
}
