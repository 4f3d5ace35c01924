/** `vigie ota rollout start`: a release to a group, wave by wave. */

import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Publisher, StartOptions, Step } from '../../../../ota/publish/rollout/drive.ts';
import { UpdateError, UsageError } from '../../../core/errors.ts';
import { type EpochMillis, epochMillis } from '../../../core/units.ts';
import type { OtaAction } from '../../ota.ts';
import { BROKER_HELP, BROKER_OPTIONS, type BrokerValues, connectBroker } from '../broker.ts';
import { hearFleet } from '../fleet/hear.ts';
import { KEY_HELP, KEY_OPTIONS } from '../signers.ts';
import { openPublisher, rolloutLine, stepLine } from './words.ts';

const LOOK_MS = 1000;

const RULE_OPTIONS = {
  waves: { type: 'string' },
  first: { type: 'string' },
  factor: { type: 'string' },
  hold: { type: 'string' },
  ready: { type: 'string' },
  'abort-percent': { type: 'string' },
  'abort-nodes': { type: 'string' },
} as const;
type RuleValues = { readonly [name in keyof typeof RULE_OPTIONS]?: string | undefined };

export const rolloutStart: OtaAction = {
  help: `Usage: vigie ota rollout start REPO NAME/RELEASE --group NAME --key FILE…
       vigie ota rollout start REPO NAME/RELEASE --group NAME --key FILE… --broker URL --site NAME [RULES]

Says what a group of nodes is to run. The first form says it of all of them at once. With a broker the
release goes to a few nodes first, chosen by a hash of node and release, and to more only while their
reports are good; the command stays until all run it, or too many failed. Then it is taken back and
blocked. Killed or interrupted, it goes on with the same command.

${KEY_HELP}
                          Needed: deploy, snapshot, timestamp
${BROKER_HELP}

Rules:
  --waves P,P,…,100       percent of the group, one wave after the other (default 5,10,20,40,80,100)
  --first P --factor F    the same as an exponential ramp: 5 and 2 give 5,10,20,40,80,100
  --hold MINUTES          for how long each wave is watched at least (default 10)
  --ready PERCENT         of a wave's nodes that must run it before the next wave (default 90)
  --abort-percent PERCENT more failures than this, of the nodes that decided, end it (default 20)
  --abort-nodes N         fewer that decided are no evidence (default 1)
  --not-before TIME       the first wave begins then: 2030-01-31T22:00:00Z
  --window FROM-TO        hours of the day, UTC, in which trials may begin: 22-5
  --offline-ok            nodes that know no trusted time may try it all the same

  --json                  print one JSON object a step

Exit status 40: it was aborted since too many nodes failed.

Example:
  vigie ota rollout start fleet pump-score/2 --group default --key keys \\
    --broker mqtt://localhost --site plant --hold 1
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...KEY_OPTIONS,
        ...BROKER_OPTIONS,
        ...RULE_OPTIONS,
        group: { type: 'string' },
        'not-before': { type: 'string' },
        window: { type: 'string' },
        'offline-ok': { type: 'boolean' },
        json: { type: 'boolean' },
      },
    });
    const [path, what = ''] = positionals;
    const [, name, release] = /^([a-z0-9][a-z0-9.-]*)\/(\d+)$/.exec(what) ?? [];
    if (path === undefined || name === undefined || positionals.length > 2)
      throw new UsageError('usage', 'name a repository and NAME/RELEASE, such as pump-score/2');
    if (values.group === undefined) throw new UsageError('usage', 'name the group of nodes: --group NAME');
    const watched = values.broker !== undefined || values.site !== undefined;
    const options: StartOptions = {
      ...{ group: values.group, name, release: Number(release), offlineOk: values['offline-ok'] ?? false },
      rules: await rulesOf(values, watched),
      ...(values.window === undefined ? {} : { window: windowOf(values.window) }),
      ...(values['not-before'] === undefined ? {} : { notBefore: timeOf(values['not-before']) }),
    };
    const publisher = await openPublisher(path, values);
    const show = (step: Step) =>
      process.stdout.write(values.json ? `${JSON.stringify(step)}\n` : `${stepLine(step)}\n`);
    return watched
      ? rollOut(publisher, options, values, show)
      : atOnce(publisher, options, values.json === true);
  },
};

async function atOnce(publisher: Publisher, options: StartOptions, json: boolean): Promise<number> {
  const { assignAtOnce, startRollout } = await import('../../../../ota/publish/rollout/drive.ts');
  const { id } = await startRollout(publisher.folder, options);
  const rollout = await assignAtOnce(publisher, id);
  process.stdout.write(json ? `${JSON.stringify({ rollout })}\n` : `${rolloutLine(rollout)}\n`);
  return 0;
}

async function rollOut(
  publisher: Publisher,
  options: StartOptions,
  values: BrokerValues,
  show: (step: Step) => void,
): Promise<number> {
  const { isOpen, startRollout, stepRollout } = await import('../../../../ota/publish/rollout/drive.ts');
  const { FleetBook } = await import('../../../../ota/publish/fleet/fleet-book.ts');
  const { listRollouts, rolloutId } = await import('../../../../ota/publish/rollout/rollout.ts');
  const { folder } = publisher;
  const id = rolloutId(options.group, options.name, options.release);
  const broker = await connectBroker(values);
  try {
    const book = FleetBook.load(folder.fleetFile);
    await hearFleet(broker, book);
    const underWay = listRollouts(folder).find((one) => one.id === id && isOpen(one));
    if (!underWay) await startRollout(folder, options);
    for (let shown = ''; ; ) {
      // Before the first look too: what nodes said last comes from the broker now.
      await pause(LOOK_MS);
      const step = await stepRollout(publisher, id, book.reports);
      book.save(folder.fleetFile);
      const line = stepLine(step);
      if (line !== shown) show(step);
      shown = line;
      const { state, reason } = step.rollout;
      if (state === 'done') return 0;
      if (state === 'aborted')
        throw new UpdateError('ota-rollout-aborted', `${rolloutLine(step.rollout)}`, {
          facts: { id, reason },
        });
    }
  } finally {
    await broker.link.close();
  }
}

async function rulesOf(values: RuleValues, watched: boolean): Promise<StartOptions['rules']> {
  const { DEFAULT_RULES, exponentialWaves } = await import('../../../../ota/publish/rollout/rollout.ts');
  const odd = Object.keys(RULE_OPTIONS).find((name) => values[name as 'hold'] !== undefined);
  if (!watched) {
    if (odd)
      throw new UsageError('usage', `--${odd} is for a rollout that is watched: give --broker and --site`);
    return { ...DEFAULT_RULES, waves: [100], holdMinutes: 0 };
  }
  const number = (name: keyof RuleValues, fallback: number) => {
    const value = values[name] === undefined ? fallback : Number(values[name]);
    if (values[name] !== '' && value >= 0 && Number.isFinite(value)) return value;
    throw new UsageError('usage', `--${name} takes a number, not '${values[name]}'`);
  };
  const first = number('first', 5);
  const factor = number('factor', 2);
  if (!(first > 0 && factor > 1))
    throw new UsageError('usage', '--first takes a number above 0, --factor one above 1');
  return {
    waves: values.waves === undefined ? exponentialWaves(first, factor) : values.waves.split(',').map(Number),
    holdMinutes: number('hold', DEFAULT_RULES.holdMinutes),
    readyPercent: number('ready', DEFAULT_RULES.readyPercent),
    abortPercent: number('abort-percent', DEFAULT_RULES.abortPercent),
    abortNodes: number('abort-nodes', DEFAULT_RULES.abortNodes),
  };
}

function windowOf(text: string): { from: number; to: number } {
  const [, from, to] = /^(\d{1,2})-(\d{1,2})$/.exec(text) ?? [];
  if (from !== undefined && Number(from) <= 24 && Number(to) <= 24)
    return { from: Number(from), to: Number(to) };
  throw new UsageError('usage', `--window takes hours as FROM-TO, such as 22-5, not '${text}'`);
}

function timeOf(text: string): EpochMillis {
  const at = Date.parse(text);
  if (/^\d{4}-\d\d-\d\dT.*Z$/.test(text) && !Number.isNaN(at)) return epochMillis(at);
  throw new UsageError('usage', `--not-before takes a time such as 2030-01-31T22:00:00Z, not '${text}'`);
}
