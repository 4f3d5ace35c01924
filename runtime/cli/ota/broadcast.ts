/** `vigie ota broadcast`: a bundle to all nodes at once. */

import { parseArgs } from 'node:util';
import { SystemClock } from '../../core/clock.ts';
import { UsageError } from '../../core/errors.ts';
import { seconds } from '../../core/units.ts';
import { size } from '../model/table.ts';
import type { OtaAction } from '../ota.ts';
import { BROKER_HELP, BROKER_OPTIONS, connectBroker } from './broker.ts';
import { Progress } from './progress.ts';
import { rate } from './serve.ts';

const DEFAULT_SETTLE = '40';
const MOST_SETTLE = 3600;

export const broadcastBundle: OtaAction = {
  help: `Usage: vigie ota broadcast REPO NAME/RELEASE --broker URL --site NAME

Publishes the blocks of a bundle once, for all nodes that listen. It is announced first; nodes look for
updates at a moment of their own and then wait for the blocks. Broadcast what is assigned: the hub
('vigie ota serve') runs beside this and answers the rest, such as blocks that were lost.

${BROKER_HELP}
  --settle SECONDS        between the announcement and the large files (${DEFAULT_SETTLE})
  --rate MIB              MiB a second (4): what the slowest link takes
  --json                  print { blobs, bytes }

Example:
  vigie ota broadcast fleet pump-score/2 --broker mqtt://localhost --site plant
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...BROKER_OPTIONS,
        settle: { type: 'string', default: DEFAULT_SETTLE },
        rate: { type: 'string' },
        json: { type: 'boolean' },
      },
    });
    const [path, bundle = ''] = positionals;
    const named = /^([a-z0-9][a-z0-9.-]{0,63})\/([1-9]\d{0,14})$/.exec(bundle);
    if (path === undefined || !named || positionals.length > 2)
      throw new UsageError('usage', 'name a repository and a release: vigie ota broadcast REPO NAME/RELEASE');
    const settle = Number(values.settle);
    if (!(settle >= 0 && settle <= MOST_SETTLE))
      throw new UsageError('usage', `--settle takes 0 to ${MOST_SETTLE} seconds`);
    const bytesPerSecond = rate('--rate', values.rate);
    const { RepositoryFolder } = await import('../../../ota/publish/repository/folder.ts');
    const { digestOf } = await import('../../../ota/publish/repository/add.ts');
    const { bundleBlobs } = await import('../../../ota/publish/serve/bundle-blobs.ts');
    const { Hub } = await import('../../../ota/publish/serve/hub.ts');
    const folder = RepositoryFolder.open(path);
    const digest = digestOf(folder, named[1]!, Number(named[2]));
    const clock = new SystemClock();
    const { link, topics } = await connectBroker(values);
    try {
      const hub = new Hub({ link, topics, directory: folder.public, clock });
      const blobs = await bundleBlobs(hub.tree, digest);
      const bar = { progress: undefined as Progress | undefined, sent: 0 };
      const bytes = await hub.broadcast(blobs, {
        timing: { settle: seconds(settle), ...(bytesPerSecond !== undefined && { bytesPerSecond }) },
        onProgress: (sent, total) => {
          bar.progress ??= new Progress({ label: 'broadcast', total, now: () => clock.mono() });
          bar.progress.add(sent - bar.sent);
          bar.sent = sent;
        },
      });
      bar.progress?.end();
      process.stdout.write(
        values.json
          ? `${JSON.stringify({ blobs: blobs.length, bytes })}\n`
          : `${bundle}: ${blobs.length} blobs, ${size(bytes)} sent once\n`,
      );
    } finally {
      await link.close();
    }
    return 0;
  },
};
