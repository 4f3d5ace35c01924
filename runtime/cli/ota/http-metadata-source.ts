/** A repository behind HTTP, for the conformance client. Nodes have MQTT and folders. */

import type { MetadataSource } from '../../../ota/client/tuf/parts.ts';
import { DeliveryError } from '../../core/errors.ts';

export class HttpMetadataSource implements MetadataSource {
  readonly #base: string;

  constructor(base: string) {
    this.#base = base.replace(/\/?$/, '/');
  }

  metadata(path: string, mostBytes: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    return httpGet(this.#base + encodeURIComponent(path), mostBytes, signal);
  }
}

/** @returns undefined when there is no such file. @throws DeliveryError `ota-transport`, `ota-too-long` */
export async function httpGet(
  url: string,
  mostBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  const response = await fetch(url, signal ? { signal } : {}).catch((cause: unknown) => {
    throw new DeliveryError('ota-transport', `cannot fetch ${url}`, { cause, retryable: true });
  });
  if (response.status === 404 || response.status === 403) return undefined;
  if (!response.ok || !response.body)
    throw new DeliveryError('ota-transport', `${url} answers ${response.status}`, { retryable: true });
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.length;
    if (length > mostBytes)
      throw new DeliveryError('ota-too-long', `${url} has more than ${mostBytes} bytes`, { retryable: true });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
