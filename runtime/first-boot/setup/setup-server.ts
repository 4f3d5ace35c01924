/** The set-up page of a node without configuration: a code, an editor with the schema's check, and save. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../core/clock.ts';
import type { Health } from '../../core/component.ts';
import { describeError, InputError, VigieError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { Listener } from '../../sinks/dashboard/listener.ts';
import { readJson, replyError, replyJson } from '../../sinks/dashboard/reply.ts';
import { refuseCommand, setSecurityHeaders } from '../../sinks/dashboard/security.ts';
import { StaticFiles } from '../../sinks/dashboard/static-files.ts';
import { type CheckedConfiguration, checkConfiguration, type Known } from '../drop/configuration.ts';
import { type Brought, malformed, readBrought } from './save.ts';
import { SetupSession } from './session.ts';

export interface SetupFacts {
  readonly hostname: string;
  readonly version: string;
  readonly board: string;
  /** What first boot found wrong: why there is no configuration yet. */
  readonly problems: readonly string[];
}

export interface SetupOptions {
  readonly host: string;
  readonly port: number;
  readonly code: string;
  readonly facts: SetupFacts;
  /** Secrets and files that are on the node already. */
  readonly known: Known;
  readonly clock: Clock;
  readonly log: Log;
  /** Called once, when the right code came. */
  readonly onCodeUsed: () => void;
  /** @throws VigieError when it cannot be saved. */
  readonly save: (text: string, brought: readonly Brought[]) => void;
}

/** A large plant has some 100 KB; certificates and keys come along in base64. */
const MAX_BODY_BYTES = 4 << 20;
const COOKIE = 'vigie-setup';

type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export class SetupServer {
  readonly #options: SetupOptions;
  readonly #session: SetupSession;
  readonly #files = new StaticFiles({ '/': 'setup.html' });
  readonly #listener: Listener;
  readonly #routes: Readonly<Record<string, Handler>>;
  #saved!: () => void;
  /** Resolves once a configuration was saved and the browser knows. */
  readonly saved = new Promise<void>((resolve) => {
    this.#saved = resolve;
  });

  constructor(options: SetupOptions) {
    const { host, port, code, log } = options;
    this.#options = options;
    this.#session = new SetupSession(code);
    this.#routes = {
      'GET /api/setup': (request, response) => replyJson(response, 200, this.#facts(request)),
      'POST /api/setup/enter': (request, response) => this.#enter(request, response),
      'POST /api/setup/check': (request, response) => this.#check(request, response),
      'POST /api/setup/save': (request, response) => this.#save(request, response),
    };
    this.#listener = new Listener({
      host,
      port,
      names: { page: 'set-up page', event: 'setup', host: '--host', port: '--port' },
      handle: (request, response) => void this.#handle(request, response),
      onRefused: () => {},
      log,
    });
  }

  listen(): Promise<void> {
    return this.#listener.listen();
  }

  /** 0 while nothing is listened on. */
  get port(): number {
    return this.#listener.port;
  }

  health(): Health {
    return this.#listener.health();
  }

  stop(): Promise<void> {
    return this.#listener.stop();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      setSecurityHeaders(response);
      await this.#answer(request, response);
    } catch (error) {
      const { log } = this.#options;
      if (response.headersSent) return void response.destroy();
      // What is left of a body that is too long must not be read as the next request.
      response.setHeader('Connection', 'close');
      if (error instanceof InputError) return replyError(response, 400, error.code, describeError(error));
      log.error({ event: 'setup.request.failed', error: describeError(error) }, 'a request failed');
      const [code, text] =
        error instanceof VigieError ? [error.code, describeError(error)] : ['internal', 'see the journal'];
      replyError(response, 500, code, text);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?', 1)[0]!;
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const route = this.#routes[`${method} ${path}`];
    if (!route) {
      if (method === 'GET' && (await this.#files.serve(path, request, response))) return;
      return replyError(response, 404, 'not-found', 'nothing is here; the page is at /');
    }
    const refusal = method === 'POST' ? refuseCommand(request) : undefined;
    if (refusal) return replyError(response, 403, 'refused', refusal);
    await route(request, response);
  }

  /** Who did not enter the code learns no more than the name of the node. */
  #facts(request: IncomingMessage) {
    const { facts } = this.#options;
    const { hostname, version } = facts;
    const isIn = this.#isIn(request);
    return { in: isIn, used: this.#session.isUsed, ...(isIn ? facts : { hostname, version }) };
  }

  async #enter(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { clock, log, onCodeUsed } = this.#options;
    const { code } = (await readJson(request)) as { code?: unknown };
    if (typeof code !== 'string') throw malformed('a code');
    const address = request.socket.remoteAddress ?? '';
    const entry = this.#session.enter(code, address, clock.mono());
    switch (entry.state) {
      case 'in':
        onCodeUsed();
        log.info({ event: 'setup.entered', address }, `the set-up code was entered from ${address}`);
        response.setHeader('Set-Cookie', `${COOKIE}=${entry.token}; HttpOnly; SameSite=Strict; Path=/`);
        return replyJson(response, 200, { in: true });
      case 'wait': {
        const seconds = Math.ceil(entry.retryAfter / 1000);
        response.setHeader('Retry-After', String(seconds));
        return replyError(response, 429, 'pause', `too many wrong codes: try again in ${seconds} s`);
      }
      case 'used':
        return replyError(response, 403, 'used', USED);
      case 'wrong':
        log.warn({ event: 'setup.code.wrong', address }, `a wrong set-up code came from ${address}`);
        return replyError(
          response,
          403,
          'wrong',
          'this is not the code: it stands on the screen of the node',
        );
    }
  }

  async #check(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#isIn(request)) return replyError(response, 401, 'not-in', USED);
    const { text, brought } = await this.#read(request);
    replyJson(response, 200, this.#judge(text, brought));
  }

  async #save(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#isIn(request)) return replyError(response, 401, 'not-in', USED);
    const { text, brought } = await this.#read(request);
    const checked = this.#judge(text, brought);
    if (checked.verdict === 'refused') return replyJson(response, 422, checked);
    this.#options.save(text, brought);
    // Only then: the process ends after it.
    response.once('close', () => this.#saved());
    replyJson(response, 200, checked);
  }

  async #read(request: IncomingMessage): Promise<{ text: string; brought: Brought[] }> {
    const { text, brought } = (await readJson(request, MAX_BODY_BYTES)) as Record<string, unknown>;
    if (typeof text !== 'string') throw malformed('a text');
    return { text, brought: readBrought(brought) };
  }

  #judge(text: string, brought: readonly Brought[]): CheckedConfiguration {
    const { known } = this.#options;
    const names = (kind: Brought['kind']) =>
      new Set([...known[kind], ...brought.filter((one) => one.kind === kind).map((one) => one.name)]);
    const all = { secrets: names('secrets'), files: names('files') };
    return checkConfiguration(text, all, () => 'give it below');
  }

  #isIn(request: IncomingMessage): boolean {
    const cookie = new RegExp(`(?:^|; )${COOKIE}=([A-Za-z0-9_-]+)`).exec(request.headers.cookie ?? '');
    return this.#session.isIn(cookie?.[1], this.#options.clock.mono());
  }
}

const USED = 'the code was used already, and works once: start the node again for a new one';
