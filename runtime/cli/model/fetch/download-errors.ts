/** What went wrong on the way to a public server, in words that lead on. */

import { describeError, ModelError } from '../../../core/errors.ts';
import { type Environment, proxyOf } from './proxy.ts';

const OFFLINE = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'EHOSTUNREACH', 'ENETDOWN']);
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS/;
const TOO_MANY_REQUESTS = 429;
const PROXY_LOGIN = 407;
const GONE: readonly number[] = [404, 410];

const STICK = "or bring the file on a stick: 'vigie model fetch NAME --from DIR'";

/** @returns ModelError `model-gone`, `model-refused`, or `model-download` (retryable). */
export function statusError({ host, href }: URL, { status }: Response): ModelError {
  const facts = { url: href, status };
  if (GONE.includes(status))
    return new ModelError('model-gone', `${host} answers ${status}: the file is no longer there; ${STICK}`, {
      facts,
    });
  if (status >= 500 || status === TOO_MANY_REQUESTS)
    return new ModelError('model-download', `${host} answers ${status}; try again later, ${STICK}`, {
      retryable: true,
      facts,
    });
  const message = `${host} answers ${status}: it, or a filter on the way, refuses; ${STICK}`;
  return new ModelError('model-refused', message, { facts });
}

/** @returns ModelError `model-download`, retryable. */
export function networkError(address: string, cause: unknown, env: Environment = process.env): ModelError {
  const { host } = new URL(address);
  const message = `cannot download from ${host}${hint(cause, env)}`;
  return new ModelError('model-download', message, { cause, retryable: true, facts: { url: address } });
}

function hint(cause: unknown, env: Environment): string {
  const codes = codesOf(cause);
  if (codes.some((code) => CERTIFICATE.test(code)))
    return (
      ': its certificate is not trusted; is the clock right? A proxy that looks into TLS needs its own ' +
      'certificate in NODE_EXTRA_CA_CERTS'
    );
  if (proxyOf(env)) {
    const login = describeError(cause).includes(String(PROXY_LOGIN));
    const ask = login ? 'it wants a log-in: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT' : 'does it run?';
    return ` by the proxy of HTTPS_PROXY; ${ask}`;
  }
  const online = codes.some((code) => OFFLINE.has(code)) ? 'is this machine online? ' : '';
  return `; ${online}behind a proxy set HTTPS_PROXY, ${STICK}`;
}

function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const inner = error instanceof AggregateError ? error.errors.flatMap(codesOf) : [];
  return [String((error as NodeJS.ErrnoException).code ?? ''), ...inner, ...codesOf(error.cause)];
}
