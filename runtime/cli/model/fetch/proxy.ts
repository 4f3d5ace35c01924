/** The proxy that the environment names, as other tools read it: Node.js alone would pass over it. */

import http from 'node:http';
import { InputError } from '../../../core/errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Undefined where there is none. */
export const proxyOf = (env: Environment): string | undefined =>
  env.https_proxy || env.HTTPS_PROXY || undefined;

/**
 * Requests made during `work` go through the proxy of HTTPS_PROXY, except to hosts of NO_PROXY.
 * @throws InputError `proxy-invalid`; what `work` throws.
 */
export async function withProxy<T>(work: () => Promise<T>, env: Environment = process.env): Promise<T> {
  const address = proxyOf(env);
  if (address === undefined) return work();
  // The address is not repeated: it may hold a password.
  if (!/^https?:\/\//.test(address) || !URL.canParse(address))
    throw new InputError('proxy-invalid', 'HTTPS_PROXY is no address of a proxy: expected http://HOST:PORT');
  const exceptions = env.no_proxy || env.NO_PROXY;
  const restore = http.setGlobalProxyFromEnv({
    HTTPS_PROXY: address,
    ...(exceptions ? { NO_PROXY: exceptions } : {}),
  });
  try {
    return await work();
  } finally {
    restore();
  }
}
