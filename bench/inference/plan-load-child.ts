/** Loads the plan that is named, runs it once, and prints what that took as JSON. */

import { NativeSession, nativeBackends } from '../../runtime/addon/native-session.ts';

const path = process.argv[2]!;
// The addon itself is loaded before: a node has it anyway.
nativeBackends();
const began = performance.now();
const session = await NativeSession.load('xnnpack', path);
await session.run();
const milliseconds = performance.now() - began;
const { memoryBytes, weightsBytes } = session.facts;
process.stdout.write(JSON.stringify({ milliseconds, memoryBytes, weightsBytes }));
await session.close();
