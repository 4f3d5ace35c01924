/** The one seam between the slots' state machine and a boot loader. Adapters: grub-chooser.ts, tryboot-chooser.ts. */

import type { BootState } from './boot-state.ts';

export interface BootChooser {
  readonly name: 'grub' | 'tryboot';
  /** How many starts a trial gets, at most MOST_TRIES. */
  readonly tries: number;
  /** @throws StorageError `system-boot-state` when the boot partition cannot be read. */
  read(): BootState;
  /**
   * Durable once it returns. Whenever the power goes meanwhile, what starts next is what the old state or the new one
   * says. @throws StorageError `system-boot-state` when the boot partition cannot be written.
   */
  write(state: BootState): void;
}
