/** Examples in the pages are what the schema takes, and links lead somewhere. */

import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadConfig } from '../../runtime/config/load.ts';
import { formatProblem } from '../../runtime/config/problem.ts';
import { packageRoot } from '../../runtime/core/paths.ts';

const pages = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: packageRoot })];
const read = (page: string) => readFileSync(join(packageRoot, page), 'utf8');

/** Examples that show a part of the file; what they leave out is added. */
const HEAD = 'node: { site: a, name: b }\n';

for (const page of pages) {
  const examples = [...read(page).matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text]) => text!);
  const whole = examples.filter((text) =>
    /^(node|sources|mqtt|http|anomaly|outbox|log|cameras):/m.test(text),
  );
  whole.forEach((text, index) => {
    test(`${page}: example ${index + 1} loads`, () => {
      const { problems } = loadConfig(/^node:/m.test(text) ? text : HEAD + text, '/etc/vigie');
      const beyond = problems.filter(({ message }) => !message.includes('there is no such tag'));
      assert.equal(
        beyond.map((problem) => formatProblem(page, problem)),
        [],
      );
    });
  });
}

test('links to files lead to files', () => {
  const broken = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)/g)]
      .map(([, target]) => target!)
      .filter((target) => !existsSync(join(packageRoot, dirname(page), target)))
      .map((target) => `${page} -> ${target}`),
  );
  assert.equal(broken, []);
});

test.run();
