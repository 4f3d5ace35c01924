/** From a request to its answer: host, login, then one handler per path. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { describeError, InputError, VigieError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { BasicAuth } from './auth.ts';
import type { HttpMetrics } from './metrics.ts';
import { replyError } from './reply.ts';
import { isLoopbackName, setSecurityHeaders } from './security.ts';
import type { StaticFiles } from './static-files.ts';

export interface Route {
  readonly method: 'GET' | 'POST';
  /** An exact path, or one that ends in `/` and takes a name behind it. */
  readonly path: string;
  /** Answers without a password: for programs that only ask whether the process lives. */
  readonly open?: true;
  handle(request: IncomingMessage, response: ServerResponse, name: string): void | Promise<void>;
}

export interface RouterOptions {
  readonly routes: readonly Route[];
  readonly files: StaticFiles;
  /** Absent: no password is asked for. */
  readonly auth: BasicAuth | undefined;
  readonly loopbackOnly: boolean;
  readonly metrics: HttpMetrics;
  readonly log: Log;
}

export class Router {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    const { metrics, log } = this.#options;
    const path = (request.url ?? '/').split('?', 1)[0]!;
    const routes = this.#options.routes.filter((one) => matches(one, path));
    const route = routes.find(({ method }) => method === methodOf(request)) ?? routes[0];
    const label = route?.path ?? (path === '/' || path.startsWith('/assets/') ? 'page' : 'other');
    response.once('close', () => metrics.request(label, response.statusCode));
    this.#answer(route, path, request, response).catch((error: unknown) => {
      const text = describeError(error);
      log.error({ event: 'dashboard.request.failed', path: label, error: text }, `${label}: ${text}`);
      if (response.headersSent) response.destroy();
      else replyError(response, 500, 'internal', 'the node could not answer; its log says why');
    });
  };

  async #answer(route: Route | undefined, path: string, request: IncomingMessage, response: ServerResponse) {
    setSecurityHeaders(response);
    if (this.#options.loopbackOnly && !isLoopbackName(request.headers.host)) {
      const expected = 'open it as http://localhost:PORT/ or http://127.0.0.1:PORT/';
      return replyError(response, 403, 'host', `not the name of this interface: ${expected}`);
    }
    if (!route?.open && !this.#authenticate(request, response)) return;
    const method = methodOf(request);
    if (!route) {
      if (method === 'GET' && (await this.#options.files.serve(path, request, response))) return;
      return replyError(response, 404, 'not-found', 'nothing is here; the page is at /');
    }
    if (method !== route.method) {
      response.setHeader('Allow', route.method);
      return replyError(response, 405, 'method', `${route.path} takes ${route.method}`);
    }
    await answerInput(response, () => route.handle(request, response, path.slice(route.path.length)));
  }

  #authenticate(request: IncomingMessage, response: ServerResponse): boolean {
    const { auth, metrics } = this.#options;
    if (!auth) return true;
    const { authorization } = request.headers;
    const result = auth.check(authorization, request.socket.remoteAddress ?? '');
    if (result === 'ok') return true;
    if (authorization !== undefined) metrics.authFailures.inc();
    if (result === 'denied') {
      response.setHeader('WWW-Authenticate', 'Basic realm="Vigie", charset="UTF-8"');
      replyError(response, 401, 'login', 'user and password are needed');
    } else {
      const wait = Math.ceil(result.retryAfter / 1000);
      response.setHeader('Retry-After', String(wait));
      replyError(response, 429, 'login-pause', `too many wrong passwords: try again in ${wait} s`);
    }
    return false;
  }
}

const methodOf = ({ method }: IncomingMessage) => (method === 'HEAD' ? 'GET' : method);

function matches({ path: pattern }: Route, path: string): boolean {
  if (!pattern.endsWith('/')) return pattern === path;
  return path.startsWith(pattern) && path.length > pattern.length;
}

/** What the caller got wrong is answered; everything else is ours and is logged. */
async function answerInput(response: ServerResponse, handle: () => void | Promise<void>): Promise<void> {
  try {
    await handle();
  } catch (error) {
    if (response.headersSent || !(error instanceof VigieError)) throw error;
    const code = error.code === 'unknown-command' ? 404 : error instanceof InputError ? 400 : 503;
    replyError(response, code, error.code, describeError(error));
  }
}
