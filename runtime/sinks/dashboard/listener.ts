/** The listening socket: tries again while its address is taken or not there yet. */

import type { RequestListener, Server } from 'node:http';
import type { Health } from '../../core/component.ts';
import { HEALTHY } from '../../core/component.ts';
import { describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';

/** `import 'node:http'` would load the fetch and WebSocket clients for its named exports: 14 MB that nobody uses. */
const http = process.getBuiltinModule('node:http');

const RETRY_MS = 5000;
const MAX_CONNECTIONS = 64;

export interface ListenerNames {
  /** For people, and at the start of event ids. */
  readonly page: string;
  readonly event: string;
  /** What a person changes to have another address. */
  readonly host: string;
  readonly port: string;
}

const DASHBOARD: ListenerNames = {
  page: 'dashboard',
  event: 'dashboard',
  host: 'http.host',
  port: 'http.port',
};

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** The dashboard's when absent. */
  readonly names?: ListenerNames;
  readonly handle: RequestListener;
  /** Called for each connection that was one too many. */
  readonly onRefused: () => void;
  readonly log: Log;
}

export class Listener {
  readonly #host: string;
  readonly #port: number;
  readonly #names: ListenerNames;
  readonly #log: Log;
  readonly #server: Server;
  #retry: NodeJS.Timeout | undefined;
  #health: Health = { state: 'starting', detail: 'not listening yet' };
  #stopped = false;

  constructor({ host, port, names = DASHBOARD, handle, onRefused, log }: ListenerOptions) {
    this.#host = host;
    this.#port = port;
    this.#names = names;
    this.#log = log;
    this.#server = http.createServer(
      {
        maxHeaderSize: 8192,
        headersTimeout: 10_000,
        requestTimeout: 10_000,
        keepAliveTimeout: 10_000,
        // Node looks for what has timed out every 30 s by itself.
        connectionsCheckingInterval: 2000,
      },
      handle,
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on('drop', onRefused);
  }

  /** Resolves after the first attempt, whatever came of it. */
  listen(): Promise<void> {
    return new Promise((resolve) => {
      const done = (health: Health) => {
        this.#server.off('error', onError);
        this.#server.off('listening', onListening);
        this.#health = health;
        resolve();
      };
      const onListening = () => {
        const { port } = this.#server.address() as { port: number };
        const url = `http://${this.#host.includes(':') ? `[${this.#host}]` : this.#host}:${port}/`;
        const { event, page } = this.#names;
        this.#log.info({ event: `${event}.listen.ok`, url }, `${page} at ${url}`);
        done(HEALTHY);
      };
      const onError = (error: NodeJS.ErrnoException) => {
        const detail = this.#explain(error);
        if (detail !== this.#health.detail)
          this.#log.warn({ event: `${this.#names.event}.listen.failed`, code: error.code }, detail);
        this.#retry = setTimeout(() => void this.listen(), RETRY_MS).unref();
        done({ state: 'degraded', detail });
      };
      if (this.#stopped) return resolve();
      this.#server.once('error', onError);
      this.#server.once('listening', onListening);
      this.#server.listen({ host: this.#host, port: this.#port });
    });
  }

  /** The port that is listened on, 0 when none is. */
  get port(): number {
    const address = this.#server.address();
    return address && typeof address === 'object' ? address.port : 0;
  }

  health(): Health {
    return this.#health;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    this.#health = { state: 'stopped', detail: '' };
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #explain(error: NodeJS.ErrnoException): string {
    const where = `port ${this.#port} of ${this.#host}`;
    const again = `tried again every ${RETRY_MS / 1000} s`;
    switch (error.code) {
      case 'EADDRINUSE':
        return `${where} is in use by another program: stop it or set ${this.#names.port}; ${again}`;
      case 'EADDRNOTAVAIL':
        return `this machine has no address ${this.#host}: check ${this.#names.host} and the network; ${again}`;
      case 'EACCES':
        return `not allowed to listen on ${where}: ports below 1024 are reserved, set ${this.#names.port}; ${again}`;
      default:
        return `cannot listen on ${where}: ${describeError(error)}; ${again}`;
    }
  }
}
