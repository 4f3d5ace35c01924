/** Child process of pushed.ts: PUSHED-FILE OWN-FILE as arguments, what came of it as JSON on standard output. */

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { mergeConfiguration } from './merge.ts';

const [pushed, own] = process.argv.slice(2) as [string, string];
const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(pushed));
const merged = mergeConfiguration(text, readFileSync(own, 'utf8'), dirname(resolve(own)));
process.stdout.write(JSON.stringify(merged));
