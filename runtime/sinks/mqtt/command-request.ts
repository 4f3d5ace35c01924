/** One request on `cmd/<name>`: what is accepted, and what is answered. Pure. */

import type { IPublishPacket } from 'mqtt';
import { describeError, InputError, VigieError } from '../../core/errors.ts';

export interface CommandRequest {
  readonly name: string;
  readonly args: unknown;
  /** Of the body; the only way to match a reply in MQTT 3.1.1. */
  readonly id: string | undefined;
}

export interface ReplyAddress {
  readonly topic: string;
  readonly correlationData: Buffer | undefined;
}

export type Outcome =
  | { readonly ok: true; readonly result: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } };

export const MAX_COMMAND_BYTES = 64 * 1024;
const MAX_ID = 128;
const KNOWN_KEYS = ['id', 'args'];

/**
 * The body is `{"id"?: string, "args"?: object}`; an empty one stands for `{}`.
 * @throws InputError `bad-request` that says what was expected.
 */
export function parseRequest(name: string, payload: Buffer): CommandRequest {
  if (payload.length > MAX_COMMAND_BYTES) {
    throw bad(`the request has ${payload.length} bytes; at most ${MAX_COMMAND_BYTES} are accepted`);
  }
  if (payload.length === 0) return { name, args: {}, id: undefined };
  const body = parseJson(payload);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw bad('expected a JSON object such as {"id":"1","args":{}}');
  }
  const unknown = Object.keys(body).find((key) => !KNOWN_KEYS.includes(key));
  if (unknown !== undefined) {
    throw bad(`unknown key '${unknown}'; expected 'id' and 'args' (arguments go into 'args')`);
  }
  const { id, args = {} } = body as { id?: unknown; args?: unknown };
  if (id !== undefined && (typeof id !== 'string' || id.length > MAX_ID)) {
    throw bad(`'id' must be a string of at most ${MAX_ID} characters`);
  }
  return { name, args, id };
}

/** Where the answer goes: the response topic of MQTT 5, or `cmd/<name>/reply`. */
export function replyAddress(topic: string, packet: IPublishPacket): ReplyAddress {
  const { responseTopic, correlationData } = packet.properties ?? {};
  const usable = responseTopic && !/[+#]/.test(responseTopic);
  return { topic: usable ? responseTopic : `${topic}/reply`, correlationData };
}

export function failed(error: unknown): Outcome {
  const code = error instanceof VigieError ? error.code : 'internal';
  return { ok: false, error: { code, message: describeError(error) } };
}

function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch (cause) {
    throw new InputError('bad-request', 'the request is not JSON', { cause });
  }
}

const bad = (message: string) => new InputError('bad-request', message);
