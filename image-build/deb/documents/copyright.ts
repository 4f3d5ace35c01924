/** debian/copyright in the machine-readable format: the project, what is linked into it, and each npm package. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { VigieError } from '../../../runtime/core/errors.ts';

interface Component {
  /** As in Files:, below /. */
  readonly files: string;
  readonly copyright: readonly string[];
  readonly license: string;
  readonly comment?: string | undefined;
  /** File with the licence. */
  readonly text?: string | undefined;
}

const INSTALLED = 'usr/lib/vigie/node_modules';

const OURS: readonly Component[] = [
  { files: '*', copyright: ['The Vigie authors'], license: 'Apache-2.0' },
  {
    files: 'usr/lib/vigie/bin/node',
    copyright: ['Node.js contributors, and those of the libraries in it'],
    license: 'Expat',
    comment: '/usr/share/doc/vigie/nodejs.LICENSE.gz has the licences of all that is in this binary.',
  },
  {
    files: 'usr/lib/vigie/build/native/Release/vigie.node',
    copyright: [
      'The Vigie authors',
      'Facebook, Inc. and its affiliates; Google LLC (XNNPACK, pthreadpool, cpuinfo, FP16, FXdiv)',
      'Marat Dukhan (pthreadpool, cpuinfo, FP16, FXdiv)',
      'Niels Lohmann (JSON for Modern C++)',
      'Free Software Foundation, Inc. (the C++ standard library)',
    ],
    license:
      'Apache-2.0 and BSD-3-Clause and BSD-2-Clause and Expat and GPL-3+ with GCC Runtime Library Exception',
    comment: 'XNNPACK: BSD-3-Clause. pthreadpool, cpuinfo: BSD-2-Clause. FP16, FXdiv, JSON: Expat.',
  },
];

/** Names that npm packages use, as Debian names the same. */
const DEBIAN_NAMES: Readonly<Record<string, string>> = {
  MIT: 'Expat',
  '(MIT OR Apache-2.0)': 'Expat or Apache-2.0',
};

/** The texts of all others are taken from the first package that carries them. */
const TEXTS: Readonly<Record<string, string>> = {
  'Apache-2.0': 'On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.',
  'GPL-3+ with GCC Runtime Library Exception':
    'On Debian systems the text of the licence is in /usr/share/common-licenses/GPL-3. The exception lets a program that was compiled with an eligible process be conveyed under terms of its own choice.',
  'EPL-2.0':
    'The text is at https://www.eclipse.org/legal/epl-2.0/ and the source at https://www.npmjs.com/package/sparkplug-payload.',
};

/**
 * @param nodeModules the pruned folder of the package. @param bsd2 a file with the text of BSD-2-Clause.
 * @throws VigieError `license-unknown` naming an npm package, or a licence, of which the text is not known.
 */
export function copyright(nodeModules: string, bsd2: string): string {
  const packages = npmPackages(nodeModules);
  const components = [...OURS, ...packages];
  const licenses = new Set(components.flatMap(({ license }) => license.split(/ (?:and|or) /)));
  const textOf = (license: string): string => {
    const file =
      license === 'BSD-2-Clause' ? bsd2 : packages.find((one) => one.license === license && one.text)?.text;
    if (!file)
      throw new VigieError(
        'license-unknown',
        `no package carries the text of ${license}: say where it is in copyright.ts`,
      );
    return readFileSync(file, 'utf8').replace(/^.*copyright (?:\(c\)|\d|©).*\n/gim, '');
  };
  return [
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: vigie',
    ...components.map(stanza),
    ...[...licenses]
      .sort()
      .map((license) => `License: ${license}\n${folded(TEXTS[license] ?? textOf(license))}`),
  ]
    .join('\n\n')
    .concat('\n');
}

function stanza({ files, copyright: owners, license, comment }: Component): string {
  const lines = [`Files: ${files}`, `Copyright: ${owners.join('\n           ')}`, `License: ${license}`];
  return [...lines, ...(comment ? [`Comment: ${comment}`] : [])].join('\n');
}

function npmPackages(nodeModules: string): readonly Component[] {
  const manifests = readdirSync(nodeModules, { recursive: true, encoding: 'utf8' })
    .filter((path) => /(^|\/)package\.json$/.test(path))
    .sort();
  return manifests.flatMap((path) => {
    const manifest = JSON.parse(readFileSync(join(nodeModules, path), 'utf8')) as Manifest;
    // A package.json without a version only sets the module type of a folder.
    if (!manifest.name || !manifest.version) return [];
    const folder = join(nodeModules, dirname(path));
    const file = readdirSync(folder)
      .sort()
      .find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    const text = file && join(folder, file);
    const files = `${INSTALLED}/${relative(nodeModules, folder)}/*`;
    return [{ files, copyright: ownersOf(manifest, text), license: licenseOf(manifest), text }];
  });
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string | { readonly type: string };
  readonly licenses?: readonly { readonly type: string }[];
  readonly author?: string | { readonly name: string };
}

function licenseOf({ name, license, licenses }: Manifest): string {
  const given = (typeof license === 'object' ? license.type : license) ?? licenses?.[0]?.type;
  if (!given)
    throw new VigieError(
      'license-unknown',
      `the npm package ${name} names no licence: say it in copyright.ts`,
    );
  return DEBIAN_NAMES[given] ?? given;
}

function ownersOf({ name, author }: Manifest, file: string | undefined): readonly string[] {
  const text = file ? readFileSync(file, 'utf8') : '';
  const lines = [...text.matchAll(/^\W*copyright\s+(?:\(c\)|©)?\s*(.*\S)/gim)].map(([, owner = '']) => owner);
  const owners = lines
    .filter((owner) => /\d{4}|contributors|authors/i.test(owner))
    .map((owner) => owner.slice(0, 120));
  if (owners.length > 0) return [...new Set(owners)];
  const writer = typeof author === 'object' ? author.name : author?.replace(/\s*[<(].*/, '');
  return [writer || `The authors of ${name}`];
}

/** As the continuation lines of a field: indented, an empty line as a dot. */
function folded(text: string): string {
  return text
    .trim()
    .split('\n')
    .map((line) => (line.trim() === '' ? ' .' : ` ${line.trim()}`))
    .join('\n');
}
