/** Child process of checked-config.ts: FILE DATA-DIR DIRECTORY as arguments, the RunnableConfig as JSON on standard output. */

import { loadRunnable } from './last-known-good.ts';

const [file, dataDir, directory] = process.argv.slice(2) as [string, string, string];
process.stdout.write(JSON.stringify(loadRunnable(file, dataDir, directory)));
