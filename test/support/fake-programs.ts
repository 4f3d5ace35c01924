/** Programs of the machine that tests put others in the place of, at the head of the path. */

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface FakePrograms {
  /** For `PATH`, before the machine's own. */
  readonly path: string;
  /** A program of that name: a shell script. */
  add(name: string, script: string): void;
  remove(): void;
}

export function fakePrograms(): FakePrograms {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-programs-'));
  return {
    path: `${folder}${delimiter}${process.env.PATH ?? ''}`,
    add: (name, script) => {
      const file = join(folder, name);
      writeFileSync(file, `#!/bin/sh\n${script}\n`);
      chmodSync(file, 0o755);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
