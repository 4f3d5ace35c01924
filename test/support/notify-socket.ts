/** A datagram socket that takes what a service tells its manager, as systemd does: Node.js has none of the kind. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from './wait.ts';

export interface NotifySocket {
  /** For `NOTIFY_SOCKET`. */
  readonly address: string;
  /** Each message so far: its lines. */
  messages(): string[][];
  /** The last `STATUS=`; empty before the first. */
  status(): string;
  close(): Promise<void>;
}

const PROGRAM = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = sys.argv[1]
s.bind('\\0' + name[1:] if name[0] == '@' else name)
sys.stdout.write('bound\\0'); sys.stdout.flush()
while True:
    sys.stdout.write(s.recv(65536).decode() + '\\0'); sys.stdout.flush()
`;

const open = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of open) child.kill('SIGKILL');
});

/** @param abstract in the abstract namespace, as containers have it. */
export async function notifySocket(abstract = false): Promise<NotifySocket> {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-notify-'));
  const address = abstract ? `@${folder}` : join(folder, 'notify');
  const child = spawn('python3', ['-c', PROGRAM, address], { stdio: ['ignore', 'pipe', 'inherit'] });
  open.add(child);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const parts = () => text.split('\0').slice(0, -1);
  await waitFor('the notify socket', () => parts().length > 0);
  const messages = () =>
    parts()
      .slice(1)
      .map((part) => part.split('\n'));
  return {
    address,
    messages,
    status: () =>
      messages()
        .flat()
        .findLast((line) => line.startsWith('STATUS='))
        ?.slice('STATUS='.length) ?? '',
    close: async () => {
      child.kill('SIGKILL');
      await exited;
      open.delete(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
