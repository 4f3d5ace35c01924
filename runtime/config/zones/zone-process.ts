/** Child process of file-zone-store.ts: one request as JSON on standard input, its outcome as JSON on standard output. */

import { text } from 'node:stream/consumers';
import { describeError, VigieError } from '../../core/errors.ts';
import { readZones, writeZones } from './zone-file.ts';

const { file, camera, edit } = JSON.parse(await text(process.stdin)) as {
  file: string;
  camera: string;
  edit?: unknown;
};

function outcome(): unknown {
  try {
    return { result: edit === undefined ? readZones(file, camera) : writeZones(file, camera, edit) };
  } catch (error) {
    if (error instanceof VigieError) return { code: error.code, message: describeError(error) };
    throw error;
  }
}

process.stdout.write(JSON.stringify(outcome()));
