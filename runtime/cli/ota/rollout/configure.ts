/** `vigie ota rollout configure`: a configuration for a group of nodes. */

import { readFileSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { InputError, UsageError } from '../../../core/errors.ts';
import type { OtaAction } from '../../ota.ts';
import { KEY_HELP, KEY_OPTIONS } from '../signers.ts';
import { openPublisher } from './words.ts';

const MOST_BYTES = 1024 ** 2;

export const rolloutConfigure: OtaAction = {
  help: `Usage: vigie ota rollout configure REPO FILE --group NAME --key FILE… [--json]
       vigie ota rollout configure REPO --none --group NAME --key FILE…

Sends a configuration (vigie.yaml) to all nodes of a group, signed with what they are to run. It is
checked here as 'vigie check' does; each node checks it again, tries it, and goes back to its own when
a part of it fails that worked before. Every node of the group gets the same file, so that it must name
no one node; secrets stay in files on the nodes.

${KEY_HELP}
                          Needed: deploy, snapshot, timestamp
  --none                  take it back: nodes go on with the one that they have
  --json                  print { group, configuration }
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...KEY_OPTIONS,
        group: { type: 'string' },
        none: { type: 'boolean' },
        json: { type: 'boolean' },
      },
    });
    const [path, file] = positionals;
    const { group, none = false } = values;
    if (path === undefined || positionals.length > 2 || (file === undefined) !== none)
      throw new UsageError('usage', 'name a repository, and a configuration or --none');
    if (group === undefined) throw new UsageError('usage', 'name the group of nodes: --group NAME');
    const bytes = file === undefined ? undefined : await checked(file);
    const publisher = await openPublisher(path, values);
    const { configureGroup } = await import('../../../../ota/publish/rollout/configure.ts');
    const configuration = await configureGroup(publisher, group, bytes);
    if (values.json)
      process.stdout.write(`${JSON.stringify({ group, configuration: configuration ?? null })}\n`);
    else
      process.stdout.write(
        configuration
          ? `group ${group}: configuration ${configuration.sha256.slice(0, 16)}, ${configuration.length} bytes\n`
          : `group ${group}: no configuration\n`,
      );
    return 0;
  },
};

/** @throws InputError `ota-file-length`, `config-invalid` with every problem */
async function checked(file: string): Promise<Uint8Array> {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0 || size > MOST_BYTES) {
    const text = `${file} is absent or empty, or has more than ${MOST_BYTES} bytes`;
    throw new InputError('ota-file-length', text, { facts: { file, size } });
  }
  const { loadConfigFile } = await import('../../../config/load.ts');
  const { formatProblem } = await import('../../../config/problem.ts');
  const { problems } = loadConfigFile(file);
  if (problems.length === 0) return readFileSync(file);
  const list = problems.map((problem) => formatProblem(file, problem)).join('\n');
  throw new InputError('config-invalid', `nodes would refuse it:\n${list}`, { facts: { problems } });
}
