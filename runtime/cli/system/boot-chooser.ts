/** `vigie system boot-chooser`: what RAUC asks and orders (its custom boot loader interface), and what a start notes. */

import { parseArgs } from 'node:util';
import { UsageError } from '../../core/errors.ts';
import { activate, isSlot, markBad, markGood, next, type Slot } from '../../system/boot-state.ts';
import { readMachine } from '../../system/machine.ts';
import { noteBoot } from '../../system/updates.ts';
import type { SystemAction } from '../system.ts';
import { COMMON_OPTIONS, now, rootOf } from './shared.ts';

export const systemBootChooser: SystemAction = {
  help: `Usage: vigie system boot-chooser get-primary | get-current | get-state SLOT
       vigie system boot-chooser set-primary SLOT | set-state SLOT good|bad
       vigie system boot-chooser booted

For programs: RAUC calls it to ask and order which system starts (SLOT is A or B), and
vigie-system-boot.service calls 'booted' at each start. What is set as primary is started on
trial first, unless it was confirmed before. People use the other actions of 'vigie system'.

  --root DIR       look at the system below DIR instead of /
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { root: COMMON_OPTIONS.root },
    });
    const [verb = '', slotName, stateName, ...more] = positionals;
    if (more.length > 0) throw new UsageError('usage', `too many words: ${more.join(' ')}`);
    const machine = readMachine(rootOf(values.root));
    const { booted, chooser } = machine;
    const say = (word: string) => void process.stdout.write(`${word}\n`);
    switch (verb) {
      case 'get-primary':
        say(next(chooser.read()));
        return 0;
      case 'get-current':
        say(booted);
        return 0;
      case 'get-state':
        say(chooser.read().bad === slot(slotName) ? 'bad' : 'good');
        return 0;
      case 'set-primary':
        chooser.write(activate(chooser.read(), slot(slotName), chooser.tries));
        return 0;
      case 'set-state': {
        const state = chooser.read();
        if (stateName !== 'good' && stateName !== 'bad')
          throw new UsageError('usage', 'set-state SLOT good, or bad');
        const which = slot(slotName);
        chooser.write(stateName === 'good' ? markGood(state, which, booted) : markBad(state, which));
        return 0;
      }
      case 'booted': {
        const ended = noteBoot(machine, now());
        if (ended)
          say(
            `system ${ended.slot} (${ended.version ?? 'unknown version'}) was ${ended.outcome}: ${ended.reason}`,
          );
        return 0;
      }
      default:
        throw new UsageError('usage', `unknown word '${verb}'`);
    }
  },
};

function slot(name: string | undefined): Slot {
  if (isSlot(name)) return name;
  throw new UsageError('usage', `a slot is A or B; found ${name === undefined ? 'none' : `'${name}'`}`);
}
