/** `vigie ota`: signed models, from keys to nodes. */

import { parseArgs } from 'node:util';
import { UsageError, VigieError } from '../core/errors.ts';
import { nearestName } from '../core/nearest-name.ts';
import type { CliCommand } from './command.ts';
import { EXIT_HELP, exitCodeOf } from './ota/exit-codes.ts';
import { GROUP_PAGES, OVERVIEW } from './ota/pages.ts';

/** One of the actions; each lives in a file of its own, loaded only when it is called. */
export interface OtaAction {
  readonly help: string;
  run(args: readonly string[]): Promise<number>;
}

type Actions = Readonly<Record<string, () => Promise<OtaAction>>>;

/** Actions of one word, and groups of actions. The page of each group is in ota/pages.ts. */
const ACTIONS: Actions = {
  serve: async () => (await import('./ota/serve.ts')).serve,
  broadcast: async () => (await import('./ota/broadcast.ts')).broadcastBundle,
  import: async () => (await import('./ota/import.ts')).importUpdate,
  'conformance-client': async () => (await import('./ota/conformance-client.ts')).conformanceClient,
};
const GROUPS: Readonly<Record<string, Actions>> = {
  key: {
    gen: async () => (await import('./ota/key/gen.ts')).keyGen,
    info: async () => (await import('./ota/key/info.ts')).keyInfo,
  },
  repo: {
    init: async () => (await import('./ota/repo/init.ts')).repoInit,
    add: async () => (await import('./ota/repo/add.ts')).repoAdd,
    sign: async () => (await import('./ota/repo/sign.ts')).repoSign,
    export: async () => (await import('./ota/repo/export.ts')).repoExport,
    import: async () => (await import('./ota/repo/import.ts')).repoImport,
    publish: async () => (await import('./ota/repo/publish.ts')).repoPublish,
    remove: async () => (await import('./ota/repo/prune.ts')).repoRemove,
    prune: async () => (await import('./ota/repo/prune.ts')).repoPrune,
    rotate: async () => (await import('./ota/repo/rotate.ts')).repoRotate,
    status: async () => (await import('./ota/repo/status.ts')).repoStatus,
    verify: async () => (await import('./ota/repo/verify.ts')).repoVerify,
  },
  node: {
    status: async () => (await import('./ota/node/status.ts')).nodeStatus,
    check: async () => (await import('./ota/node/check.ts')).nodeCheck,
    install: async () => (await import('./ota/node/change.ts')).nodeInstall,
    rollback: async () => (await import('./ota/node/change.ts')).nodeRollback,
    pin: async () => (await import('./ota/node/change.ts')).nodePin,
    unblock: async () => (await import('./ota/node/change.ts')).nodeUnblock,
  },
  bundle: {
    build: async () => (await import('./ota/bundle/build.ts')).bundleBuild,
    inspect: async () => (await import('./ota/bundle/inspect.ts')).bundleInspect,
    verify: async () => (await import('./ota/bundle/verify.ts')).bundleVerify,
  },
  rollout: {
    start: async () => (await import('./ota/rollout/start.ts')).rolloutStart,
    status: async () => (await import('./ota/rollout/change.ts')).rolloutStatus,
    pause: async () => (await import('./ota/rollout/change.ts')).rolloutPause,
    resume: async () => (await import('./ota/rollout/change.ts')).rolloutResume,
    abort: async () => (await import('./ota/rollout/change.ts')).rolloutAbort,
    configure: async () => (await import('./ota/rollout/configure.ts')).rolloutConfigure,
  },
  fleet: {
    list: async () => (await import('./ota/fleet/list.ts')).fleetList,
  },
};

export const ota: CliCommand = {
  name: 'ota',
  summary: 'sign models and bring them to nodes',
  help: `${OVERVIEW}\n${EXIT_HELP}`,
  actions: [
    ...Object.entries(GROUPS).flatMap(([name, group]) => [
      name,
      ...Object.keys(group).map((action) => `${name} ${action}`),
    ]),
    ...Object.keys(ACTIONS),
  ],
  async helpFor(args) {
    const [name = ''] = args;
    const action = await find(args);
    const page = action?.help ?? (Object.hasOwn(GROUP_PAGES, name) ? GROUP_PAGES[name] : undefined);
    return page === undefined || page.includes('Exit status: ') ? page : `${page}\n${EXIT_HELP}`;
  },
  exitCode: exitCodeOf,
  async run(args) {
    const action = await find(args);
    if (!action) throw unknown(args);
    const [name = ''] = args;
    const rest = args.slice(Object.hasOwn(GROUPS, name) ? 2 : 1);
    try {
      return await action.run(rest);
    } catch (error) {
      if (!rest.includes('--json') || !(error instanceof VigieError) || error instanceof UsageError)
        throw error;
      const { code, message, facts } = error;
      process.stdout.write(`${JSON.stringify({ error: { code, message, facts } })}\n`);
      return exitCodeOf(error);
    }
  },
};

function find([name = '', action = '']: readonly string[]): Promise<OtaAction> | undefined {
  if (Object.hasOwn(ACTIONS, name)) return ACTIONS[name]!();
  const group = Object.hasOwn(GROUPS, name) ? GROUPS[name]! : {};
  return Object.hasOwn(group, action) ? group[action]!() : undefined;
}

function unknown(args: readonly string[]): UsageError {
  const [name = '', action = ''] = args;
  // Says what is wrong with an option that stands in the action's place.
  if (name.startsWith('-')) parseArgs({ args: [...args] });
  const inGroup = Object.hasOwn(GROUPS, name);
  const names = inGroup ? Object.keys(GROUPS[name]!) : [...Object.keys(GROUPS), ...Object.keys(ACTIONS)];
  const given = inGroup ? action : name;
  const near = nearestName(given, names);
  const what = inGroup ? `vigie ota ${name}` : 'vigie ota';
  if (given === '') return new UsageError('usage', `${what}: name one of ${names.join(', ')}`);
  const hint = near ? `did you mean '${near}'? ` : '';
  return new UsageError('usage', `${what}: unknown action '${given}'; ${hint}there are: ${names.join(', ')}`);
}
