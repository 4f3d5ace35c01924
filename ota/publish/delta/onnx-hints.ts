/** Where the weights of one ONNX file lie in another: initialisers of the same name and length. */

import { VigieError } from '../../../runtime/core/errors.ts';
import { decode } from '../../model/onnx/decode.ts';
import type { Hint } from './align.ts';

interface Place {
  readonly at: number;
  readonly length: number;
}

/** @returns none where one of the files is no ONNX model. */
export function onnxHints(base: Uint8Array, next: Uint8Array): Hint[] {
  const earlier = initialisers(base);
  const later = initialisers(next);
  if (!earlier || !later) return [];
  const hints: Hint[] = [];
  for (const [name, { at, length }] of later) {
    const from = earlier.get(name);
    if (from?.length === length) hints.push({ at, length, from: from.at });
  }
  return hints.sort((a, b) => a.at - b.at);
}

function initialisers(file: Uint8Array): Map<string, Place> | undefined {
  try {
    const tensors = decode('Model', file).graph?.initializer ?? [];
    const places = tensors.flatMap(({ name, rawData }): [string, Place][] =>
      name && rawData?.length
        ? [[name, { at: rawData.byteOffset - file.byteOffset, length: rawData.length }]]
        : [],
    );
    return new Map(places);
  } catch (error) {
    if (error instanceof VigieError) return undefined;
    throw error;
  }
}
