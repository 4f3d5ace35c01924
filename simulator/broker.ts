/**
 * A small MQTT 3.1.1 broker for the demo and for development: no persistence, no passwords, loopback only. A node in
 * use needs a real broker; see docs/mqtt.md.
 */

import { createServer, type Socket } from 'node:net';
import { InputError } from '../runtime/core/errors.ts';

export interface DevelopmentBroker {
  readonly port: number;
  /** `mqtt://127.0.0.1:PORT`; the node needs `version: 4` with it. */
  readonly url: string;
  /** Closes every connection and frees the port. Idempotent. */
  stop(): Promise<void>;
}

/**
 * @param port 0 takes a free one.
 * @throws InputError `broker-port` when the port cannot be listened on.
 */
export async function startDevelopmentBroker(port = 0): Promise<DevelopmentBroker> {
  const { Aedes } = await import('aedes');
  const aedes = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.setNoDelay(true);
    aedes.handle(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      aedes.close();
      const text = `cannot open the development broker on 127.0.0.1:${port}: is another one running?`;
      reject(new InputError('broker-port', text, { cause, facts: { port } }));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  const bound = (server.address() as { port: number }).port;
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    await new Promise<void>((resolve) => aedes.close(resolve));
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    port: bound,
    url: `mqtt://127.0.0.1:${bound}`,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}
