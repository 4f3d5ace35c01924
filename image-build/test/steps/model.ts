/** Signed models over the broker: one that serves, and one whose trial a power cut ends. */

import { hear, type Step } from './context.ts';

export const model: Step = async (context) => {
  // Published before the node was there: it may have come since.
  const { release } = await hear(context, 'events/update', ({ step }) => step === 'committed', 0);
  context.note(`release ${release} of the model serves`);
};

export const powerCut: Step = async (context) => {
  const { guest, world, note } = context;
  let since = world.ears.messages.length;
  world.release(2, ['--window', '3600', '--min-inferences', '1000000', '--attempts', '1']);
  await hear(context, 'events/update', ({ step, release }) => step === 'trial' && release === 2, since);
  await guest.cutPower();
  since = world.ears.messages.length;
  const began = performance.now();
  guest.boot();
  const { reason } = await hear(
    context,
    'events/update',
    ({ step, release }) => step === 'rolled-back' && release === 2,
    since,
  );
  note(
    `power cut during the trial: rolled back ${((performance.now() - began) / 1000).toFixed(1)} s after power came again (${reason})`,
  );
  const models = await guest.run('vigie ota node status --data-dir /var/lib/vigie');
  if (!/score\s+serving\s+1\b/.test(models)) throw new Error(`release 1 does not serve:\n${models}`);
};
