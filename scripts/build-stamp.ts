/**
 * Writes build.json into a folder: when what is built there was made, so that a node without a clock knows that it is not
 * earlier. The same commit always gives the same: SOURCE_DATE_EPOCH, else the date of the commit.
 *   bin/node scripts/build-stamp.ts FOLDER [SOURCES]
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUILD_FILE } from '../runtime/core/build-stamp.ts';

const [folder = 'dist', sources = '.'] = process.argv.slice(2);
const seconds = given() ?? ofCommit();
if (seconds === undefined) {
  const cause = 'neither SOURCE_DATE_EPOCH nor a git commit says when this was made';
  process.stderr.write(`build-stamp: ${cause}; nodes without a clock will not know\n`);
} else {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, BUILD_FILE), `${JSON.stringify({ built: seconds })}\n`);
}

function given(): number | undefined {
  const text = process.env.SOURCE_DATE_EPOCH;
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,11}$/.test(text)) return Number(text);
  process.stderr.write(`build-stamp: SOURCE_DATE_EPOCH is '${text}', no number of seconds since 1970\n`);
  process.exit(2);
}

function ofCommit(): number | undefined {
  // Of these sources, not of a repository that they happen to lie in.
  if (!existsSync(join(sources, '.git'))) return undefined;
  const { stdout, status } = spawnSync('git', ['-C', sources, 'log', '-1', '--format=%ct'], {
    encoding: 'utf8',
  });
  const text = stdout?.trim() ?? '';
  return status === 0 && /^\d{1,11}$/.test(text) ? Number(text) : undefined;
}
