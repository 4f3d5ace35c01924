/** `vigie system confirm`: keep the running system; with --wait, once its node did well for a while. */

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { SystemClock } from '../../core/clock.ts';
import { UpdateError, UsageError } from '../../core/errors.ts';
import { type Millis, parseDuration, seconds } from '../../core/units.ts';
import { standing } from '../../system/boot-state.ts';
import { type Machine, readMachine } from '../../system/machine.ts';
import { readRecord } from '../../system/record.ts';
import { Trial, type TrialRules } from '../../system/trial.ts';
import { confirm, giveUp } from '../../system/updates.ts';
import type { SystemAction } from '../system.ts';
import { COMMON_HELP, COMMON_OPTIONS, dataDirOf, lookAtNode, now, print, restart, rootOf } from './shared.ts';

const LOOK_EVERY = seconds(5);

export const systemConfirm: SystemAction = {
  help: `Usage: vigie system confirm [--json]
       vigie system confirm --wait [--for TIME] [--within TIME] [--json]

Keeps the running system: it starts by itself from now on. Without --wait at once, on your
word. With --wait, as the service vigie-system-confirm does it, once the node did well for
TIME without a break: it answers, is not started again, and no part of it is worse than
before the update. If that does not come about, the trial is given up and the system restarts
into the one before; 'vigie system status' says why.

Options:
  --wait           look at the node first
  --for TIME       how long it has to do well (default 5min)
  --within TIME    how long it may take in all (default 20min)
${COMMON_HELP}
Example:
  vigie system confirm
`,
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...COMMON_OPTIONS,
        wait: { type: 'boolean' },
        for: { type: 'string' },
        within: { type: 'string' },
      },
    });
    if (!values.wait && (values.for ?? values.within) !== undefined) {
      throw new UsageError('usage', '--for and --within say how long --wait waits: add --wait');
    }
    const window = duration('--for', values.for ?? '5min');
    const limit = duration('--within', values.within ?? '20min');
    const machine = readMachine(rootOf(values.root));
    let reason = 'confirmed by hand';
    if (values.wait && isOnTrial(machine)) {
      const { baseline = { answered: true, components: {} } } = readRecord(machine.paths.record).trial ?? {};
      const good = await watch(machine, { baseline, window, limit }, dataDirOf(values['data-dir']));
      if (good === undefined) return 0;
      reason = good;
    }
    const isNews = confirm(machine, reason, now());
    print(values.json, { slot: machine.booted, version: machine.version, news: isNews }, () =>
      isNews
        ? `system ${machine.booted} stays (${machine.version ?? 'unknown version'}): ${reason}\n`
        : `system ${machine.booted} was confirmed before: it starts by itself\n`,
    );
    return 0;
  },
};

const isOnTrial = ({ chooser, booted }: Machine): boolean => standing(chooser.read(), booted) === 'on-trial';

/** @returns why it is good; undefined when a person decided meanwhile. @throws UpdateError `system-trial-failed`; the restart is under way then. */
async function watch(machine: Machine, rules: TrialRules, dataDir: string): Promise<string | undefined> {
  const clock = new SystemClock();
  const trial = new Trial(rules);
  let told: string | null = null;
  for (;;) {
    const node = await lookAtNode(dataDir);
    const verdict = trial.look({ mono: clock.mono(), node });
    if (verdict.verdict === 'keep') return `the node did well for ${Math.round(rules.window / 1000)} s`;
    if (verdict.verdict === 'go-back') {
      giveUp(machine, verdict.reason);
      process.stderr.write(`vigie: system ${machine.booted} is given up: ${verdict.reason}\n`);
      await restart();
      throw new UpdateError('system-trial-failed', verdict.reason);
    }
    if (verdict.trouble !== told) {
      process.stderr.write(`vigie: ${verdict.trouble ?? 'the node does well'}\n`);
      told = verdict.trouble;
    }
    await delay(Math.min(LOOK_EVERY, rules.window / 4));
    // Kept or given up by hand: what a person said stands.
    if (!isOnTrial(machine)) return undefined;
  }
}

function duration(option: string, text: string): Millis {
  const parsed = parseDuration(text);
  if (parsed !== undefined) return parsed;
  throw new UsageError('usage', `${option} is '${text}'; expected a time such as 90s, 5min or 1h`);
}
