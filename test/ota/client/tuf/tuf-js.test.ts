/** Side by side with tuf-js, over the stories of repositories that are worked on, broken and attacked at random. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ANY_REPOSITORY } from '../../../../ota/client/tuf/policy.ts';
import { VigieError } from '../../../../runtime/core/errors.ts';
import { Random } from '../../../../simulator/random.ts';
import { TufRepository } from '../../../support/tuf-repository.ts';
import { OtherClient } from './other-client.ts';
import { agelessly, happen, PATHS, type Story } from './story.ts';
import { TestNode } from './support.ts';

const STORIES = 50;
const VISITS = 8;
const ROLES = ['root', 'timestamp', 'snapshot', 'targets'];

/** What came of a visit: the targets that were found, or that it was refused. */
interface Outcome {
  readonly found?: readonly (number | undefined)[];
  readonly refused?: string;
}

async function ours(node: TestNode): Promise<Outcome> {
  try {
    const trusted = await node.refresh();
    const found: (number | undefined)[] = [];
    for (const path of PATHS) found.push((await trusted.targetFile(path))?.length);
    return { found };
  } catch (error) {
    if (!(error instanceof VigieError)) throw error;
    return { refused: `${error.code}: ${error.message}` };
  }
}

async function theirs(client: OtherClient): Promise<Outcome> {
  try {
    return { found: await client.visit(PATHS) };
  } catch (error) {
    return { refused: String(error) };
  }
}

const folder = mkdtempSync(join(tmpdir(), 'vigie-tuf-'));
const seen = { trusted: 0, refused: new Map<string, number>() };

for (let seed = 0; seed < STORIES; seed++) {
  test(`story ${seed}: both trust the same, and refuse the same`, async () => {
    const repository = new TufRepository();
    const story: Story = { repository, random: new Random(seed), past: new Map(), keys: 0 };
    const node = new TestNode(repository, ANY_REPOSITORY);
    const other = new OtherClient(folder, repository);
    agelessly(repository);
    repository.publishRoot();
    for (let visit = 0; visit < VISITS; visit++) {
      const a = await ours(node);
      const b = await theirs(other);
      const text = `visit ${visit}: ours ${JSON.stringify(a)}, theirs ${JSON.stringify(b)}`;
      assert.is(a.refused === undefined, b.refused === undefined, text);
      assert.equal(a.found, b.found, text);
      assert.is(node.store.version('root'), other.version('root'), text);
      if (a.found) {
        for (const role of ROLES)
          assert.is(node.store.version(role), other.version(role), `${role}: ${text}`);
        seen.trusted++;
      } else {
        const code = a.refused!.split(':')[0]!;
        seen.refused.set(code, (seen.refused.get(code) ?? 0) + 1);
      }
      happen(story);
      agelessly(repository);
    }
  });
}

test('the stories were about something: visits that were trusted, and refusals of every kind', () => {
  assert.ok(seen.trusted > STORIES, `${seen.trusted} visits were trusted`);
  for (const code of [
    'ota-signature',
    'ota-rollback',
    'ota-expired',
    'ota-mismatch',
    'ota-malformed',
    'ota-missing',
  ])
    assert.ok((seen.refused.get(code) ?? 0) > 2, `${code}: ${JSON.stringify([...seen.refused])}`);
});

test.after(() => rmSync(folder, { recursive: true, force: true }));

test.run();
