/**
 * Commands from the machine itself, over a socket in the state directory: whoever may write there may ask. It needs no
 * broker, no password and no port, and works for commands that nobody may send over the network.
 * A connection is one request, `{ "command", "args" }` and a line end, and one answer of the same kind.
 */

import { rmSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { CommandTable } from '../../core/commands.ts';
import { type Component, HEALTHY, type Health } from '../../core/component.ts';
import { describeError, VigieError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';

export interface ControlSocketOptions {
  /** At most 107 bytes: the kernel takes no more. */
  readonly path: string;
  /** Those of the network too, and its own. */
  readonly tables: readonly CommandTable[];
  readonly log: Log;
}

export type ControlAnswer =
  | { readonly ok: true; readonly result: Readonly<Record<string, unknown>> }
  | {
      readonly ok: false;
      readonly error: {
        readonly code: string;
        readonly message: string;
        readonly facts?: Readonly<Record<string, unknown>>;
      };
    };

const MOST_REQUEST = 64 * 1024;
const MOST_CONNECTIONS = 16;
/** For a request to arrive; commands may take as long as they need. */
const REQUEST_MS = 10_000;

export class ControlSocket implements Component {
  readonly name = 'control';
  readonly #options: ControlSocketOptions;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #health: Health = { state: 'starting', detail: '' };

  constructor(options: ControlSocketOptions) {
    this.#options = options;
  }

  /** A path that cannot be listened on is health, not failure. */
  async start(): Promise<void> {
    const { path } = this.#options;
    const server = createServer((socket) => this.#serve(socket));
    server.maxConnections = MOST_CONNECTIONS;
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o750 });
      // Left by a process that was killed: the data directory belongs to one node.
      rmSync(path, { force: true });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(path, () => resolve());
      });
      await chmod(path, 0o660);
      server.on('error', () => {});
      this.#server = server;
      this.#health = HEALTHY;
    } catch (error) {
      const detail = `commands of this machine cannot be taken on ${path}: ${describeError(error)}`;
      this.#health = { state: 'degraded', detail };
      this.#options.log.error({ event: 'control.listen.failed', path }, detail);
    }
  }

  async stop(): Promise<void> {
    this.#health = { state: 'stopped', detail: '' };
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  health(): Health {
    return this.#health;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    const late = setTimeout(() => socket.destroy(), REQUEST_MS);
    socket.once('close', () => clearTimeout(late));
    let text = '';
    const take = (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end < 0 && text.length <= MOST_REQUEST) return;
      socket.off('data', take);
      socket.resume();
      clearTimeout(late);
      void this.#answer(end < 0 ? undefined : text.slice(0, end)).then((answer) => {
        if (!socket.destroyed) socket.end(`${JSON.stringify(answer)}\n`);
      });
    };
    socket.setEncoding('utf8').on('data', take);
  }

  async #answer(line: string | undefined): Promise<ControlAnswer> {
    const { tables, log } = this.#options;
    try {
      const { command, args = {} } = parsed(line);
      const table = tables.find((one) => one.list().some(({ name }) => name === command)) ?? tables[0]!;
      const result = await table.run(command, args);
      log.info({ event: 'control.command.done', command }, `command ${command} was run`);
      return { ok: true, result };
    } catch (error) {
      const known = error instanceof VigieError ? error : undefined;
      if (!known) log.error({ event: 'control.command.failed', err: error }, 'a command failed');
      const facts = known ? { facts: known.facts } : {};
      return {
        ok: false,
        error: { code: known?.code ?? 'internal', message: describeError(error), ...facts },
      };
    }
  }
}

function parsed(line: string | undefined): { command: string; args?: unknown } {
  let request: unknown;
  try {
    request = JSON.parse(line ?? '');
  } catch (cause) {
    throw new VigieError('bad-request', 'the request is no line of JSON of at most 64 KiB', { cause });
  }
  const { command } = (request ?? {}) as { command?: unknown };
  if (typeof command !== 'string') throw new VigieError('bad-request', "the request names no 'command'");
  return request as { command: string; args?: unknown };
}
