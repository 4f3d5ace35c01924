/** Answers as JSON or text, and bodies read within bounds. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { InputError } from '../../core/errors.ts';

/** Enough for every command. */
const MAX_BODY_BYTES = 64 * 1024;

export function replyJson(response: ServerResponse, code: number, body: unknown): void {
  reply(response, code, 'application/json; charset=utf-8', JSON.stringify(body));
}

export function reply(response: ServerResponse, code: number, type: string, text: string): void {
  response.writeHead(code, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
  });
  response.end(text);
}

export function replyError(response: ServerResponse, code: number, error: string, message: string): void {
  replyJson(response, code, { error, message });
}

/** @throws InputError `body-too-large`, `bad-json`. An empty body is an empty object. */
export async function readJson(request: IncomingMessage, most = MAX_BODY_BYTES): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) throw new InputError('body-too-large', `the body has more than ${most} bytes`);
    chunks.push(chunk);
  }
  if (size === 0) return {};
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw new InputError('bad-json', 'the body is not JSON', { cause });
  }
}
