/** Holds messages against docs/asyncapi.yaml. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ValidateFunction } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import formats from 'ajv-formats';
import { parse } from 'yaml';
import type { AnomalyEvent, DetectionEvent } from '../../runtime/core/messages.ts';
import { packageRoot } from '../../runtime/core/paths.ts';

interface Reference {
  readonly $ref: string;
}

interface Message {
  readonly contentType?: string;
  readonly headers?: Reference;
  readonly payload: Reference;
  readonly examples: readonly {
    readonly name: string;
    readonly headers?: unknown;
    readonly payload?: unknown;
  }[];
}

interface AsyncApi {
  readonly asyncapi: string;
  readonly channels: Record<string, { address: string; messages: Record<string, Reference> }>;
  readonly operations: Record<string, { channel: Reference }>;
  readonly components: {
    readonly messages: Record<string, Message>;
    readonly schemas: Record<string, object>;
  };
}

export const document = parse(readFileSync(join(packageRoot, 'docs/asyncapi.yaml'), 'utf8'), {
  merge: true,
}) as AsyncApi;

const ajv = new Ajv2019({ allErrors: true, strict: false });
(formats as unknown as (ajv: Ajv2019) => void)(ajv);
ajv.addSchema({ $id: 'asyncapi', components: document.components }, 'asyncapi');

/**
 * Nothing when the payload is what the contract says of its topic, else what is wrong, for a person.
 * @param topic the full one: `vigie/<site>/<node>/…`. @param headers its user properties.
 */
export function validateMessage(topic: string, payload: string | Buffer, headers?: unknown): string[] {
  const channel = Object.values(document.channels).find(({ address }) => matches(address, topic));
  if (!channel) return [`${topic}: no channel of docs/asyncapi.yaml has this topic`];
  const [first] = Object.keys(channel.messages);
  if (document.components.messages[first!]?.contentType === 'image/jpeg') {
    const bytes = Buffer.from(payload);
    const isJpeg = bytes.readUInt16BE(0) === 0xffd8 && bytes.readUInt16BE(bytes.length - 2) === 0xffd9;
    return [...(isJpeg ? [] : [`${topic}: no JPEG`]), ...validateHeaders(first!, headers)];
  }
  if (document.components.messages[first!]?.contentType === 'text/plain') {
    return validatePayload(first!, payload.toString());
  }
  if (isBinary(first!)) {
    return validateFrame(first!, Buffer.from(payload)).map((problem) => `${topic}: ${problem}`);
  }
  let body: unknown;
  try {
    body = JSON.parse(payload.toString());
  } catch (error) {
    return [`${topic}: not JSON: ${(error as Error).message}`];
  }
  const problems = Object.keys(channel.messages).flatMap((name) => validatePayload(name, body));
  const [, site, node] = topic.split('/');
  const { site: saidSite, node: saidNode } = body as { site?: unknown; node?: unknown };
  if (saidSite !== undefined && (saidSite !== site || saidNode !== node)) {
    problems.push(`says it is of ${saidSite}/${saidNode}`);
  }
  return problems.map((problem) => `${topic}: ${problem}`);
}

/** @param name of a message under `components`. */
export function validatePayload(name: string, payload: unknown): string[] {
  const message = document.components.messages[name];
  if (!message) return [`no message '${name}' in docs/asyncapi.yaml`];
  if (isBinary(name)) return validateFrame(name, fromHex(String(payload)));
  return errorsOf(name, message.payload, payload);
}

/** A field of `x-frame`: what binary payloads are made of, in order. */
interface Field {
  readonly name: string;
  readonly type: 'u8' | 'u32' | 'u64' | 'bytes';
  readonly const?: number;
  readonly enum?: readonly number[];
  readonly minimum?: number;
  readonly maximum?: number;
  /** Of the last field, which takes what is left. */
  readonly minLength?: number;
  readonly maxLength?: number;
}

const BYTES = { u8: 1, u32: 4, u64: 8 } as const;

function isBinary(name: string): boolean {
  return document.components.messages[name]?.contentType === 'application/octet-stream';
}

/** Examples are written in hexadecimal digits, with spaces between fields. */
function fromHex(text: string): Buffer {
  const digits = text.replaceAll(' ', '');
  if (!/^([0-9a-f]{2})*$/.test(digits)) throw new Error(`not in hexadecimal digits: ${text}`);
  return Buffer.from(digits, 'hex');
}

function validateFrame(name: string, bytes: Buffer): string[] {
  const { $ref } = document.components.messages[name]!.payload;
  const schema = document.components.schemas[$ref.replace('#/components/schemas/', '')] as {
    readonly 'x-frame': readonly Field[];
  };
  const problems: string[] = [];
  let at = 0;
  for (const [index, field] of schema['x-frame'].entries()) {
    const isLast = index === schema['x-frame'].length - 1;
    const fixed = field.type === 'bytes' ? (field.minLength ?? 0) : BYTES[field.type];
    const size = field.type === 'bytes' && isLast ? Math.max(0, bytes.length - at) : fixed;
    if (at + size > bytes.length) return [...problems, `${name}: ends within '${field.name}'`];
    problems.push(...fieldProblems(field, bytes.subarray(at, at + size)).map((text) => `${name}: ${text}`));
    at += size;
  }
  if (at < bytes.length) problems.push(`${name}: ${bytes.length - at} bytes too many`);
  return problems;
}

function fieldProblems({ name, type, ...rules }: Field, bytes: Buffer): string[] {
  if (type === 'bytes') {
    const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = rules;
    const fits = bytes.length >= minLength && bytes.length <= maxLength;
    return fits ? [] : [`'${name}' has ${bytes.length} bytes`];
  }
  const value = type === 'u64' ? Number(bytes.readBigUInt64BE()) : bytes.readUIntBE(0, bytes.length);
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = rules;
  const isListed = rules.enum?.includes(value) ?? value === (rules.const ?? value);
  return isListed && value >= minimum && value <= maximum ? [] : [`'${name}' is ${value}`];
}

/** @param name of a message under `components` that has headers. */
export function validateHeaders(name: string, headers: unknown): string[] {
  const reference = document.components.messages[name]?.headers;
  return reference ? errorsOf(name, reference, headers) : [`${name} has no headers in docs/asyncapi.yaml`];
}

function errorsOf(name: string, { $ref }: Reference, value: unknown): string[] {
  const check = compiled(`asyncapi${$ref}`);
  if (check(value)) return [];
  return (check.errors ?? []).map(({ instancePath, message: text, params }) => {
    return `${name}${instancePath} ${text} ${JSON.stringify(params)}`;
  });
}

function compiled(reference: string): ValidateFunction {
  const check = ajv.getSchema(reference);
  if (!check) throw new Error(`docs/asyncapi.yaml has no ${reference}`);
  return check;
}

function matches(address: string, topic: string): boolean {
  const pattern = address.replace(/[.$]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+');
  return new RegExp(`^${pattern}$`).test(topic);
}

/** What the contract has against an event once the outbox and the sink have put it in its envelope. */
export function validateEvent(event: AnomalyEvent | DetectionEvent): string[] {
  return validatePayload(event.schema === 'vigie.anomaly/1' ? 'anomaly' : 'detection', {
    site: 'works',
    node: 'node-1',
    bootId: 'boot',
    seq: 1,
    time: '2026-03-02T08:15:32.000Z',
    timeQuality: 'synced',
    ...event,
  });
}
