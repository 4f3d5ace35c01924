/** `vigie ota repo publish`: what is signed becomes public. */

import { parseArgs } from 'node:util';
import { SystemClock } from '../../../core/clock.ts';
import { UsageError } from '../../../core/errors.ts';
import type { OtaAction } from '../../ota.ts';
import { KEY_HELP, KEY_OPTIONS, signersFrom } from '../signers.ts';
import { stateText } from './words.ts';

export const repoPublish: OtaAction = {
  help: `Usage: vigie ota repo publish REPO --key FILE… [--json]

Makes all drafts public that enough keys signed, under a new snapshot and timestamp. The result is
checked the way a node checks it first; what a node would refuse is not published. Drafts that lack
signatures stay drafts.

With nothing to publish it makes a new timestamp, and a new snapshot and deploy when half of their
time is over. Run it daily: nodes take nothing from a repository whose timestamp has expired.

${KEY_HELP}
                          Needed: snapshot and timestamp; with deploy, drafts of deploy are signed too
  --json                  print { versions, published, waiting }

Example:
  vigie ota repo publish fleet --key keys --passphrase-file $CREDENTIALS_DIRECTORY/ota
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...KEY_OPTIONS, json: { type: 'boolean' } },
    });
    const [path] = positionals;
    if (path === undefined || positionals.length > 1) throw new UsageError('usage', 'name one repository');
    const { RepositoryFolder } = await import('../../../../ota/publish/repository/folder.ts');
    const { publish, publishedBy } = await import('../../../../ota/publish/repository/publish.ts');
    const folder = RepositoryFolder.open(path);
    const signers = await signersFrom(values, publishedBy(folder), 'snapshot and timestamp');
    const result = await folder.locked(() => publish(folder, signers, new SystemClock().wall()));
    if (values.json) {
      process.stdout.write(`${JSON.stringify(result)}\n`);
      return 0;
    }
    for (const { role, states } of result.waiting)
      process.stderr.write(
        `vigie: the draft of ${role} lacks signatures (${stateText(states)}) and was left out\n`,
      );
    const versions = Object.entries(result.versions).map(([role, version]) => `${role} ${version}`);
    const what = result.published.length > 0 ? result.published.join(', ') : 'no draft; timestamp renewed';
    process.stdout.write(`published ${what}\n${folder.public}: ${versions.join(', ')}\n`);
    return 0;
  },
};
