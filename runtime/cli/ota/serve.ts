/** `vigie ota serve`: the hub. */

import { parseArgs } from 'node:util';
import type { TimeKey } from '../../../ota/protocol/time.ts';
import type { HubCounters } from '../../../ota/publish/serve/hub.ts';
import { SystemClock } from '../../core/clock.ts';
import { UpdateError, UsageError } from '../../core/errors.ts';
import { size } from '../model/table.ts';
import type { OtaAction } from '../ota.ts';
import { BROKER_HELP, BROKER_OPTIONS, connectBroker } from './broker.ts';
import { PASSPHRASE_HELP, PASSPHRASE_OPTIONS, type PassphraseValues, passphraseFrom } from './passphrase.ts';
import { wholeNumber } from './repo/words.ts';

const SAY_EVERY_MS = 10_000;
const MOST_MIB = 1e6;

export const serve: OtaAction = {
  help: `Usage: vigie ota serve REPO --broker URL --site NAME [--time-key FILE]

The hub: answers what nodes ask for out of REPO's public folder, tells them when the repository changed,
and signs the time for them. It needs the broker and reads that folder, nothing else; what is published
meanwhile is served without a restart. It can keep updates back; it cannot change or make one.
Runs until SIGINT or SIGTERM.

${BROKER_HELP}
  --time-key FILE         the key of role time: nodes without a clock of their own ask for the time
${PASSPHRASE_HELP}
  --rate MIB              MiB a second for all nodes together (no limit)
  --node-rate MIB         MiB a second for one node (32)
  --broadcast-from N      N nodes that ask for the same file at a time, as when a wave of a rollout begins,
                          get it by one broadcast (8); 0: each is answered by itself
  --broadcast-rate MIB    MiB a second of such a broadcast (4): what the slowest link takes
  --json                  print what was done at the end: { requests, answers, bytesAnswered, … }

The broker's access rules should let only the hub publish below vigie/SITE/ota/v1/announce, res, blob
and time/res. Nodes check everything all the same.

Example:
  vigie ota serve fleet --broker mqtt://localhost --site plant --time-key keys/time.key
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...BROKER_OPTIONS,
        ...PASSPHRASE_OPTIONS,
        'time-key': { type: 'string' },
        rate: { type: 'string' },
        'node-rate': { type: 'string' },
        'broadcast-from': { type: 'string', default: '8' },
        'broadcast-rate': { type: 'string' },
        json: { type: 'boolean' },
      },
    });
    const [path] = positionals;
    if (path === undefined || positionals.length > 1) throw new UsageError('usage', 'name one repository');
    const bytesPerSecond = rate('--rate', values.rate);
    const nodeBytesPerSecond = rate('--node-rate', values['node-rate']);
    const broadcastRate = rate('--broadcast-rate', values['broadcast-rate']);
    const broadcastFrom = wholeNumber(values['broadcast-from'], '--broadcast-from', 0);
    const { RepositoryFolder } = await import('../../../ota/publish/repository/folder.ts');
    const { Hub } = await import('../../../ota/publish/serve/hub.ts');
    const folder = RepositoryFolder.open(path);
    const timeKey =
      values['time-key'] === undefined ? undefined : await openTimeKey(values['time-key'], values);
    const inRoot = folder.published().root?.signed['x-time'].keyids;
    if (timeKey && inRoot && !inRoot.includes(timeKey.keyId)) {
      const text = `${values['time-key']} is not the time key that the root of ${path} names: nodes would not believe it`;
      throw new UpdateError('ota-key-role', text);
    }
    const { link, topics } = await connectBroker(values);
    const say = (text: string) => process.stderr.write(`${text}\n`);
    const hub = new Hub({
      link,
      topics,
      directory: folder.public,
      clock: new SystemClock(),
      limits: {
        ...(bytesPerSecond !== undefined && { bytesPerSecond }),
        ...(nodeBytesPerSecond !== undefined && { nodeBytesPerSecond }),
      },
      ...(timeKey && { timeKey }),
      ...(broadcastFrom > 0 && { broadcastFrom }),
      ...(broadcastRate !== undefined && { broadcastRate }),
      onEvent: say,
    });
    const telling = tell(hub.counters, say);
    try {
      await hub.start();
      say(`serving ${folder.public} on ${topics.root}${timeKey ? ', with the time' : ''}`);
      await stopSignal();
    } finally {
      clearInterval(telling);
      hub.stop();
      await link.close();
    }
    if (values.json) process.stdout.write(`${JSON.stringify(hub.counters)}\n`);
    return 0;
  },
};

async function openTimeKey(path: string, values: PassphraseValues): Promise<TimeKey> {
  const { openSigner } = await import('../../../ota/publish/keys/key-folder.ts');
  const { keyId, privateKey } = await openSigner(path, await passphraseFrom(values)({ what: path }));
  return { keyId, key: privateKey };
}

/** A line now and then, while there is something to say. */
function tell(counters: HubCounters, say: (text: string) => void): NodeJS.Timeout {
  let before = { ...counters };
  return setInterval(() => {
    const answers = counters.answers - before.answers;
    const bytes = counters.bytesAnswered - before.bytesAnswered;
    const refused = counters.refused - before.refused;
    before = { ...counters };
    if (answers === 0 && refused === 0) return;
    const rate = size((bytes * 1000) / SAY_EVERY_MS);
    const more = refused > 0 ? `, ${refused} requests refused` : '';
    say(`${answers} answers, ${size(bytes)}, ${rate}/s${more}; ${size(counters.bytesAnswered)} in all`);
  }, SAY_EVERY_MS);
}

/** @returns bytes a second. @throws UsageError */
export function rate(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const mib = Number(text);
  if (mib > 0 && mib <= MOST_MIB) return mib * 1024 ** 2;
  throw new UsageError('usage', `${option} takes MiB a second, such as 0.5 or 20; not '${text}'`);
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
