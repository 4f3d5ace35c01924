/** A public file by HTTPS: few redirects, none to anything but HTTPS, no more bytes than were announced to us. */

import { ModelError } from '../../../core/errors.ts';
import { version } from '../../version.ts';
import { networkError, statusError } from './download-errors.ts';
import { tooLong } from './store-verified.ts';

/** One request, redirects not followed: the seam behind which tests put servers of their own. */
export type Transport = (url: URL, signal: AbortSignal) => Promise<Response>;

export const httpsTransport: Transport = (url, signal) =>
  fetch(url, {
    redirect: 'manual',
    signal,
    // The bytes of the file itself are counted and hashed, not those of a compression.
    headers: { 'accept-encoding': 'identity', 'user-agent': `vigie/${version()}` },
  });

export interface DownloadOptions {
  readonly transport?: Transport;
  /** Longest silence of the server, in milliseconds. */
  readonly idleMs?: number;
  /** Its reason is what is thrown. */
  readonly signal?: AbortSignal;
}

const MOST_REDIRECTS = 5;
const IDLE_MS = 30_000;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/**
 * The body, piece by piece.
 * @param address HTTPS.
 * @param expected SHA-256 and length; a server that announces another length is refused before a byte is taken.
 * @throws ModelError `model-redirect`, `model-gone`, `model-too-long`, `model-refused`, `model-download` (retryable).
 */
export async function* download(
  address: string,
  expected: { readonly bytes: number; readonly sha256: string },
  { transport = httpsTransport, idleMs = IDLE_MS, signal }: DownloadOptions = {},
): AsyncGenerator<Uint8Array> {
  const idle = new AbortController();
  const message = `the server said nothing for ${Math.round(idleMs / 1000)} s; try again`;
  const silent = new ModelError('model-download', message, { retryable: true, facts: { url: address } });
  const timer = setTimeout(() => idle.abort(silent), idleMs);
  const either = signal ? AbortSignal.any([signal, idle.signal]) : idle.signal;
  try {
    const response = await followed(new URL(address), transport, either);
    const length = response.headers.get('content-length');
    if (length !== null && !response.headers.has('content-encoding') && Number(length) !== expected.bytes)
      throw await otherFile(response, Number(length), expected);
    for await (const chunk of response.body ?? []) {
      timer.refresh();
      yield chunk;
    }
  } catch (error) {
    if (either.aborted) throw either.reason;
    throw error instanceof ModelError ? error : networkError(address, error);
  } finally {
    clearTimeout(timer);
  }
}

async function followed(from: URL, transport: Transport, signal: AbortSignal): Promise<Response> {
  let url = from;
  for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
    if (url.protocol !== 'https:') throw redirectError(url, `leads to ${url.protocol}//, which is not safe`);
    const response = await transport(url, signal);
    if (response.ok) return response;
    await response.body?.cancel();
    if (!REDIRECTS.includes(response.status)) throw statusError(url, response);
    const location = response.headers.get('location');
    if (location === null || !URL.canParse(location, url.href))
      throw redirectError(url, 'answers with a redirect to nowhere');
    url = new URL(location, url.href);
  }
  throw redirectError(from, `redirects more than ${MOST_REDIRECTS} times`);
}

const redirectError = (url: URL, why: string): ModelError =>
  new ModelError('model-redirect', `${url.host} ${why}; nothing was fetched`, { facts: { url: url.href } });

async function otherFile(
  response: Response,
  length: number,
  expected: { readonly bytes: number; readonly sha256: string },
): Promise<ModelError> {
  await response.body?.cancel();
  if (length > expected.bytes) return tooLong(expected);
  const page = response.headers.get('content-type')?.includes('html');
  return new ModelError(
    'model-refused',
    `the server offers ${length} bytes, the index says ${expected.bytes}: ` +
      `${page ? "a page instead of the file, perhaps the network's log-in page" : 'this is another file'}; nothing was fetched`,
    { facts: { length, expected: expected.bytes } },
  );
}
