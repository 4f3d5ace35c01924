/** Zones that are in use as soon as they are written: the node reads its file again, and says what it made of it. */

import type { ZoneStore, ZonesInFile, ZonesWritten } from '../../core/zone-store.ts';

interface Reloaded {
  readonly needsRestart: readonly string[];
  readonly refused?: string;
}

export class LiveZoneStore implements ZoneStore {
  readonly #store: ZoneStore;
  readonly #reload: () => Promise<Reloaded>;

  constructor(store: ZoneStore, reload: () => Promise<Reloaded>) {
    this.#store = store;
    this.#reload = reload;
  }

  read(camera: string): Promise<ZonesInFile> {
    return this.#store.read(camera);
  }

  async write(camera: string, edit: unknown): Promise<ZonesWritten> {
    const written = await this.#store.write(camera, edit);
    if ('problems' in written) return written;
    const { needsRestart, refused } = await this.#reload();
    const waits = needsRestart.some((key) => key === 'cameras' || key.startsWith(`cameras.${camera}.`));
    return {
      ...written,
      takesEffect: waits || refused !== undefined ? 'at-restart' : 'now',
      ...(needsRestart.length > 0 ? { needsRestart } : {}),
      ...(refused === undefined ? {} : { refused }),
    };
  }
}
