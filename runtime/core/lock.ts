/** One worker at a time on a machine, whoever asks: an engine build, an update. */

import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';

/**
 * The kernel keeps names of this kind of socket, and takes them back when their process is gone: no kill and no power
 * cut leaves a lock behind.
 * @param path what is to be locked; need not exist.
 * @returns a function that unlocks; undefined when someone else has the lock.
 */
export async function tryLock(path: string): Promise<(() => Promise<void>) | undefined> {
  const name = `\0vigie-${createHash('sha256').update(path).digest('hex')}`;
  const server = createServer((socket) => socket.destroy());
  const held = await new Promise<boolean>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
    server.listen(name, () => resolve(true));
  });
  return held ? () => closed(server) : undefined;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
