/** What an operator may ask of the update client. What changes the node is for its own machine alone, never for the broker. */

import { resolve } from 'node:path';
import type { CheckResult } from '../../ota/client/machine/check.ts';
import type { Command } from '../core/commands.ts';
import { InputError } from '../core/errors.ts';
import type { Updates } from './updates.ts';

type Args = Readonly<Record<string, unknown>>;

/** Also over MQTT and HTTP: they change nothing that a signed assignment does not say. */
export function openCommands(updates: Updates): Command[] {
  return [
    {
      name: 'ota-status',
      description: 'What the node runs of signed models, what is on its way, and what it refused.',
      run: async (args) => {
        only(args, []);
        return {
          ...updates.report(),
          models: updates.report().models.map((model) => withStatus(model, updates)),
        };
      },
    },
    {
      name: 'ota-check',
      description: 'Look for updates now.',
      run: async (args) => {
        only(args, []);
        return plain(await updates.check());
      },
    },
  ];
}

export function localCommands(updates: Updates): Command[] {
  return [
    {
      name: 'ota-import',
      description: 'Look for updates in a directory (argument `directory`), such as a USB stick.',
      run: async (args) => {
        only(args, ['directory']);
        return plain(await updates.import(resolve(text(args, 'directory'))));
      },
    },
    {
      name: 'ota-install',
      description: 'Begin the trial of what is staged under `name` now, whatever hours its assignment names.',
      run: async (args) => {
        only(args, ['name']);
        await updates.updater.install(text(args, 'name'));
        return {};
      },
    },
    {
      name: 'ota-rollback',
      description: 'Put the release before in the place of what serves under `name`, and block what served.',
      run: async (args) => {
        only(args, ['name', 'reason']);
        const reason = args.reason === undefined ? 'rolled back by hand' : text(args, 'reason');
        await updates.updater.rollBack(text(args, 'name'), reason);
        return {};
      },
    },
    {
      name: 'ota-pin',
      description: 'Stay with what serves under `name` whatever is assigned; `pinned: false` follows again.',
      run: async (args) => {
        only(args, ['name', 'pinned']);
        if (typeof args.pinned !== 'boolean') throw bad("'pinned' is not true or false");
        await updates.updater.pin(text(args, 'name'), args.pinned);
        return {};
      },
    },
    {
      name: 'ota-unblock',
      description: 'Let a release that was rolled back be tried again: its `digest` under `name`.',
      run: async (args) => {
        only(args, ['name', 'digest']);
        await updates.updater.unblock(text(args, 'name'), text(args, 'digest'));
        return {};
      },
    },
  ];
}

function withStatus<T extends { readonly name: string }>(model: T, updates: Updates) {
  const { state, version, backend } = updates.status()[model.name] ?? {};
  return { ...model, state: state ?? 'empty', version: version ?? null, backend: backend ?? null };
}

function plain({ versions, assignment, models, failures }: CheckResult): Args {
  return {
    versions,
    assigned: assignment?.releases.map(({ name, release, percent }) => ({ name, release, percent })) ?? [],
    models,
    failures: failures.map(({ name, error }) => ({ name, code: error.code, message: error.message })),
  };
}

function only(args: Args, known: readonly string[]): void {
  const unknown = Object.keys(args).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw bad(`unknown argument '${unknown}'; there are: ${known.join(', ') || 'none'}`);
}

function text(args: Args, key: string): string {
  const value = args[key];
  if (typeof value === 'string' && value !== '') return value;
  throw bad(`'${key}' is not a text`);
}

const bad = (message: string) => new InputError('bad-arguments', message);
