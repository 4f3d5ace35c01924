/** Zones and tripwires of a camera as the zone editor reads and writes them. */

import type { Point } from './geometry.ts';

export interface EditedZone {
  readonly name: string;
  /** Its name in the file; left out for a new one. What the editor does not know of it stays as it is there. */
  readonly was?: string;
  readonly polygon: readonly Point[];
  readonly mode: 'include' | 'exclude';
}

export interface EditedTripwire {
  readonly name: string;
  readonly was?: string;
  readonly line: readonly [Point, Point];
  readonly direction: 'both' | 'left-to-right' | 'right-to-left';
}

export interface CameraZones {
  readonly zones: readonly EditedZone[];
  readonly tripwires: readonly EditedTripwire[];
}

export interface ZonesInFile extends CameraZones {
  /** Of the file: what is written must be based on it. */
  readonly revision: string;
  /** Why nothing can be written, for a person. */
  readonly readOnly?: string;
}

/** What is wrong with an edit: `['zones', 0, 'polygon']`, or empty when it is about the file as a whole. */
export interface ZoneProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export type ZonesWritten =
  | { readonly problems: readonly ZoneProblem[] }
  | {
      readonly revision: string;
      readonly takesEffect: 'now' | 'at-restart';
      /** Other changes of the file that wait for a restart. */
      readonly needsRestart?: readonly string[];
      /** Why it is not in use now though no restart would be needed, for a person. */
      readonly refused?: string;
    };

export interface ZoneStore {
  /** @throws InputError `unknown-camera`, `config-unreadable`, `config-invalid`. */
  read(camera: string): Promise<ZonesInFile>;
  /**
   * @param edit is foreign data: its form is checked, too. With problems nothing is written.
   * @throws InputError as read, `config-changed` (somebody wrote the file since), `config-read-only`; StorageError `state-write`.
   */
  write(camera: string, edit: unknown): Promise<ZonesWritten>;
}
