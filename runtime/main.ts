/** Process entry: which command, which exit code. Kept short: all of it runs before the first poll. */

import { enableCompileCache } from 'node:module';

enableCompileCache();
const { runCommand } = await import('./cli/run-command.ts');
process.exitCode = await runCommand(process.argv.slice(2));
