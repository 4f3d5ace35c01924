/** FastestDet as a node would have it, in int8 for XNNPACK and in float32 for ONNX Runtime; and a picture with persons. */

import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileModel } from '../../ota/model/compile.ts';
import { InputError } from '../../runtime/core/errors.ts';
import { packageRoot } from '../../runtime/core/paths.ts';
import { modelPairs, sharedFolder } from '../inference/models.ts';

export interface Subjects {
  /** Manifests. */
  readonly int8: string;
  readonly float: string;
  /** The latter's model alone. */
  readonly floatOnnx: string;
  readonly picture: string;
}

/** The detector finds all four persons on it. */
const PICTURE = 'data/images/coco-people/images/000000000308.jpg';
const EXAMPLES = join(packageRoot, 'examples', 'models');

/** @throws InputError `bench-models` naming what is not there. */
export async function prepareSubjects(scratch: string): Promise<Subjects> {
  const pair = modelPairs(scratch).find(({ name }) => name === 'fastestdet');
  const picture = join(sharedFolder(), PICTURE);
  for (const [what, path] of [
    ['models/small/fastestdet_352_int8_qdq.onnx', pair?.int8],
    ['models/fastestdet/FastestDet.onnx', pair?.float],
    [PICTURE, picture],
  ] as const) {
    if (path === undefined || !existsSync(path))
      throw new InputError(
        'bench-models',
        `${join(sharedFolder(), what)} is not there; set VIGIE_SHARED to a folder that holds ${what}`,
      );
  }
  const still = join(scratch, 'picture.jpg');
  copyFileSync(picture, still);
  const { bytes } = await compileModel({ path: pair!.int8 });
  return {
    picture: still,
    floatOnnx: pair!.float,
    int8: bundle(join(scratch, 'int8'), { backend: 'xnnpack', precision: 'int8', bytes }),
    float: bundle(join(scratch, 'float'), {
      backend: 'onnxruntime',
      precision: 'float32',
      bytes: readFileSync(pair!.float),
    }),
  };
}

interface Artifact {
  readonly backend: 'xnnpack' | 'onnxruntime';
  readonly precision: string;
  readonly bytes: Uint8Array;
}

/** A folder with this artifact alone, so that no other can be chosen. @returns its manifest. */
function bundle(folder: string, { backend, precision, bytes }: Artifact): string {
  const path = backend === 'xnnpack' ? 'model.xnn' : 'model.onnx';
  mkdirSync(folder);
  writeFileSync(join(folder, path), bytes);
  copyFileSync(join(EXAMPLES, 'coco-80.txt'), join(folder, 'coco-80.txt'));
  const known = JSON.parse(readFileSync(join(EXAMPLES, 'fastestdet.manifest.json'), 'utf8'));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const manifest = { ...known, artifacts: [{ backend, precision, path, sha256 }] };
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return join(folder, 'manifest.json');
}
