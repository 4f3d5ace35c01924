/** Process entry: which command, which exit code. Kept short: all of it runs before the first poll. */

import { enableCompileCache } from 'node:module';

// Without it the first poll comes 0.2 s later. The service has its own cache directory; the default, in the temporary
// directory, is gone after each restart of a service with PrivateTmp, and may be memory.
enableCompileCache(process.env.NODE_COMPILE_CACHE ?? process.env.CACHE_DIRECTORY);
// Small Buffers are cut from shared slabs of 64 KiB, and one that is kept keeps its whole slab: the MQTT library keeps a
// 4-byte one for each packet length it ever met, which came to megabytes an hour. Each Buffer now has memory of its own.
Buffer.poolSize = 0;
const { runCommand } = await import('./cli/run-command.ts');
process.exitCode = await runCommand(process.argv.slice(2));
