/** Weights that an ONNX file keeps in files beside it. Nothing outside the model's own folder is ever read. */

import { closeSync, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { describeError, ModelError } from '../../../runtime/core/errors.ts';
import type { Decoded } from './messages.ts';

const EXTERNAL = 1;
/** Of all external data of one model together. */
const MOST_BYTES = 2 ** 31;

export const isExternal = (tensor: Decoded<'Tensor'>): boolean =>
  tensor.dataLocation === EXTERNAL || (tensor.externalData?.length ?? 0) > 0;

/** Reads the external data of one model; `total` bounds what a few bytes of model can ask for. */
export class ExternalData {
  readonly #folder: string;
  #total = 0;

  constructor(modelPath: string) {
    this.#folder = realpathSync(dirname(modelPath));
  }

  /** @throws ModelError `onnx-external-data`, naming the tensor and the location */
  read(tensor: Decoded<'Tensor'>, expectedBytes: number): Uint8Array {
    const entries = new Map((tensor.externalData ?? []).map(({ key, value }) => [key, value ?? '']));
    const location = entries.get('location') ?? '';
    const refuse = (why: string, cause?: unknown) =>
      new ModelError('onnx-external-data', `initialiser \`${tensor.name}\` lies in \`${location}\`: ${why}`, {
        facts: { tensor: tensor.name, location },
        cause,
      });
    const offset = wholeNumber(entries.get('offset') ?? '0');
    const length = wholeNumber(entries.get('length') ?? String(expectedBytes));
    if (offset === undefined || length === undefined) throw refuse('offset and length must be whole numbers');
    if (length !== expectedBytes)
      throw refuse(`its length is ${length} bytes where the tensor takes ${expectedBytes}`);
    this.#total += length;
    if (this.#total > MOST_BYTES) throw refuse('the external data of the model comes to more than 2 GiB');
    const path = this.#insidePath(location, refuse);
    let file: number;
    try {
      file = openSync(path, 'r');
    } catch (cause) {
      throw refuse(describeError(cause), cause);
    }
    try {
      return readRange(file, offset, length, refuse);
    } finally {
      closeSync(file);
    }
  }

  #insidePath(location: string, refuse: (why: string, cause?: unknown) => ModelError): string {
    if (
      location === '' ||
      isAbsolute(location) ||
      location.split(/[\\/]/).includes('..') ||
      location.includes('\0')
    ) {
      throw refuse("only relative paths inside the model's own folder are read");
    }
    let path: string;
    try {
      path = realpathSync(join(this.#folder, location));
    } catch (cause) {
      throw refuse('there is no such file beside the model', cause);
    }
    const inside = relative(this.#folder, path);
    if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
      throw refuse("a link leads out of the model's own folder");
    }
    return path;
  }
}

function readRange(
  file: number,
  offset: number,
  length: number,
  refuse: (why: string) => ModelError,
): Uint8Array {
  const facts = fstatSync(file);
  if (!facts.isFile()) throw refuse('it is no regular file');
  if (offset + length > facts.size) {
    throw refuse(`bytes ${offset} to ${offset + length} were asked for, but the file has ${facts.size}`);
  }
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const count = readSync(file, bytes, done, length - done, offset + done);
    if (count === 0) throw refuse('the file became shorter while it was read');
    done += count;
  }
  return bytes;
}

function wholeNumber(text: string): number | undefined {
  const value = Number(text);
  return /^\d{1,16}$/.test(text) && Number.isSafeInteger(value) ? value : undefined;
}
