/** Trusted metadata in memory, and what was written to it in which order. */

import type { TrustStore } from '../../ota/client/tuf/parts.ts';

export class MemoryTrustStore implements TrustStore {
  readonly files = new Map<string, Uint8Array>();
  readonly writes: string[] = [];

  read(name: string): Uint8Array | undefined {
    return this.files.get(name);
  }

  write(name: string, bytes: Uint8Array): void {
    this.writes.push(name);
    this.files.set(name, new Uint8Array(bytes));
  }

  remove(name: string): void {
    this.files.delete(name);
  }

  version(role: string): number | undefined {
    const bytes = this.files.get(`${role}.json`);
    return bytes && JSON.parse(Buffer.from(bytes).toString()).signed.version;
  }
}
