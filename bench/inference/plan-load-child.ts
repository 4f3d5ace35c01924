/** Loads the plan that is named, runs it once, and prints what that took as JSON. */

import { readFileSync, statSync } from 'node:fs';
import { NativeSession } from '../../runtime/addon/native-session.ts';

const anonymous = () =>
  Number(/RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;

const path = process.argv[2]!;
// The addon itself is loaded before: a node has it anyway.
await NativeSession.load('xnnpack', '/dev/null').catch(() => undefined);
const before = anonymous();
const began = performance.now();
const session = await NativeSession.load('xnnpack', path);
await session.run();
const milliseconds = performance.now() - began;
process.stdout.write(
  JSON.stringify({ milliseconds, memoryRatio: (anonymous() - before) / statSync(path).size }),
);
await session.close();
