/** What an operator may ask of the update client; `vigie ota node …` and `cmd/ota-…` reach the same functions. */

import type { Command } from '../../../runtime/core/commands.ts';
import { InputError } from '../../../runtime/core/errors.ts';
import { BUNDLE_NAME, SHA256 } from '../../bundle/bundle-limits.ts';
import type { Updater } from './updater.ts';

type Arguments = Readonly<Record<string, unknown>>;

export function otaCommands(updater: Updater): Command[] {
  return [
    {
      name: 'ota-status',
      description: 'What serves, what is staged, on trial or blocked, and how far the time is trusted.',
      run: async () => ({ ...updater.status() }),
    },
    {
      name: 'ota-check',
      description: 'Looks for updates now: fetches and verifies what is assigned.',
      run: async () => {
        const { models, failures } = await updater.check();
        const failed = failures.map(({ name, error }) => ({
          name,
          code: error.code,
          message: error.message,
        }));
        return { models, failures: failed };
      },
    },
    {
      name: 'ota-install',
      description: "Begins the trial of what is staged, outside the assignment's hours as well. {name}",
      run: async (args) => {
        await updater.install(nameIn(args));
        return { ...updater.status() };
      },
    },
    {
      name: 'ota-rollback',
      description: 'Goes back to the release before, and blocks what served. {name}',
      run: async (args) => {
        await updater.rollBack(nameIn(args), 'asked for by an operator');
        return { ...updater.status() };
      },
    },
    {
      name: 'ota-pin',
      description: 'Keeps what serves, whatever is assigned; {name, pinned: false} ends it.',
      run: async (args) => {
        const { pinned = true } = args;
        if (typeof pinned !== 'boolean') throw new InputError('bad-arguments', "'pinned' is true or false");
        await updater.pin(nameIn(args), pinned);
        return { pinned };
      },
    },
    {
      name: 'ota-unblock',
      description: 'Lets a release that was rolled back be tried again. {name, digest}',
      run: async (args) => {
        const { digest } = args;
        if (typeof digest !== 'string' || !SHA256.test(digest)) {
          throw new InputError(
            'bad-arguments',
            "'digest' is the SHA-256 of bundle.json, as ota-status shows it",
          );
        }
        await updater.unblock(nameIn(args), digest);
        return { digest };
      },
    },
  ];
}

function nameIn({ name }: Arguments): string {
  if (typeof name === 'string' && BUNDLE_NAME.test(name)) return name;
  throw new InputError('bad-arguments', "'name' is the name of a bundle, such as 'detector'");
}
