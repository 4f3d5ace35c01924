/** Where a running node listens for commands of its own machine. */

import { join } from 'node:path';

export const controlPath = (dataDir: string): string => join(dataDir, 'control.sock');
