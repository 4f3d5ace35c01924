/** `vigie ota repo add`: a built bundle into the draft of release. */

import { parseArgs } from 'node:util';
import { SystemClock } from '../../../core/clock.ts';
import { UsageError } from '../../../core/errors.ts';
import type { OtaAction } from '../../ota.ts';
import { Progress } from '../progress.ts';

export const repoAdd: OtaAction = {
  help: `Usage: vigie ota repo add REPO BUNDLE [--json]

Hashes every file of a bundle that 'vigie ota bundle build' made, copies them into REPO/public/blobs,
and lists the bundle in the draft of release. A release number is used once, and each is above those
before: nodes never go back to a lower one. To take a fleet back to an old model, build the old model
again under a new, higher release.

  --json   print { name, release, digest, draft, added }

Then: vigie ota repo sign REPO --key release.key ; vigie ota repo publish REPO --key …
`,
  async run(args) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean' } },
    });
    const [path, directory] = positionals;
    if (path === undefined || directory === undefined || positionals.length > 2)
      throw new UsageError('usage', 'name a repository and a bundle');
    const { RepositoryFolder } = await import('../../../../ota/publish/repository/folder.ts');
    const { addBundle } = await import('../../../../ota/publish/repository/add.ts');
    const { bytesOf, openBuilt } = await import('../../../../ota/publish/bundle/built.ts');
    const folder = RepositoryFolder.open(path);
    const clock = new SystemClock();
    const total = bytesOf(openBuilt(directory).bundle);
    const progress = new Progress({ label: 'hashing', total, now: () => clock.mono() });
    const { bundle, digest, version, added } = await folder
      .locked(() => addBundle(folder, directory, clock.wall(), progress.add))
      .finally(() => progress.end());
    const { name, release } = bundle;
    if (values.json)
      process.stdout.write(`${JSON.stringify({ name, release, digest, draft: version, added })}\n`);
    else if (added)
      process.stdout.write(
        `${name} ${release} is in the draft of release (version ${version}), digest ${digest}\nNext: vigie ota repo sign ${path} --key …\n`,
      );
    else process.stdout.write(`${name} ${release} was listed before, exactly as it is: nothing changed\n`);
    return 0;
  },
};
