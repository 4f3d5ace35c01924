/** The models that `bench inference` measures, as far as they are at hand. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../runtime/core/errors.ts';
import { packageRoot } from '../../runtime/core/paths.ts';
import { floatTwin } from './float-twin.ts';

export interface ModelPair {
  readonly name: string;
  readonly float: string;
  readonly int8: string;
  /** Of the values that the input takes. */
  readonly range: readonly [least: number, most: number];
}

const PICTURE = [0, 255] as const;
const UNIT = [0, 1] as const;
const SIGNED = [-1, 1] as const;

const KNOWN = [
  {
    name: 'yolox_nano',
    float: 'yolox-nano/yolox_nano.onnx',
    int8: 'small/yolox_nano_416_int8_qdq.onnx',
    range: PICTURE,
  },
  {
    name: 'fastestdet',
    float: 'fastestdet/FastestDet.onnx',
    int8: 'small/fastestdet_352_int8_qdq.onnx',
    range: UNIT,
  },
  {
    name: 'mobilenet_v2',
    float: undefined,
    int8: 'small/mobilenet_v2_1.0_224_uint8_qdq.onnx',
    range: SIGNED,
  },
  { name: 'vww', float: 'small/vww_96_fp32.onnx', int8: 'small/vww_96_int8_qdq.onnx', range: UNIT },
] as const;

/** Beside the checkout, or where VIGIE_SHARED says. */
export const sharedFolder = () => process.env.VIGIE_SHARED ?? join(packageRoot, '..', 'shared');

/**
 * @param scratch where float models are written that are only at hand quantised
 * @throws InputError `bench-models` when none is there
 */
export function modelPairs(scratch: string): ModelPair[] {
  const folder = join(sharedFolder(), 'models');
  const pairs = KNOWN.filter(({ int8 }) => existsSync(join(folder, int8))).map(
    ({ name, float, int8, range }) => {
      const quantised = join(folder, int8);
      return {
        name,
        int8: quantised,
        range,
        float: float ? join(folder, float) : writeTwin(name, quantised, scratch),
      };
    },
  );
  if (pairs.length > 0) return pairs;
  throw new InputError(
    'bench-models',
    `there are no models in ${folder}; set VIGIE_SHARED to a folder with models/${KNOWN[0].float}, models/${KNOWN[0].int8} …, or measure a model of your own: vigie model bench MODEL.onnx`,
  );
}

function writeTwin(name: string, quantised: string, scratch: string): string {
  const path = join(scratch, `${name}_float.onnx`);
  writeFileSync(path, floatTwin(readFileSync(quantised)));
  return path;
}
