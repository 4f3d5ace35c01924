import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../runtime/core/errors.ts';
import { checkConfiguration, references } from '../../runtime/first-boot/drop/configuration.ts';
import { recognise } from '../../runtime/first-boot/drop/names.ts';
import { checkSshKeys } from '../../runtime/first-boot/drop/ssh-keys.ts';
import { decodeText } from '../../runtime/first-boot/drop/text.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ada@laptop';
const nothing = { secrets: new Set<string>(), files: new Set<string>() };
const remedy = () => 'drop it';

test('names as people and operating systems leave them', () => {
  const { entries, problems } = recognise([
    'VIGIE.YAML',
    'Secrets',
    'network.yml.txt',
    'authorized_keys.txt',
    '._vigie.yaml',
    '.DS_Store',
    'System Volume Information',
    'vigie.yaml~',
    'autoboot.txt',
    'EFI',
    'README.txt',
    'vigie-error.txt',
    'vigie-setup-code.txt.new',
  ]);
  assert.equal(entries, {
    configuration: 'VIGIE.YAML',
    secrets: 'Secrets',
    network: 'network.yml.txt',
    sshKeys: 'authorized_keys.txt',
  });
  assert.equal(problems, []);
});

test('of two spellings neither is taken; what looks like ours is asked about', () => {
  const two = recognise(['vigie.yaml', 'vigie.yaml.txt']);
  assert.equal(two.entries, {});
  assert.equal(two.problems, [
    {
      name: 'vigie.yaml.txt',
      message: 'there is vigie.yaml as well: keep the one that is right and delete the other',
    },
  ]);
  for (const [name, meant] of [
    ['vigie (1).yaml', 'vigie.yaml'],
    ['vigie - Copy.yaml', 'vigie.yaml'],
    ['vigei.yaml', 'vigie.yaml'],
    ['vigie.json', 'vigie.yaml'],
    ['authorised_keys', 'authorized_keys'],
    ['secret', 'secrets'],
    ['id_ed25519.pub', 'authorized_keys'],
  ] as const) {
    const { entries, problems } = recognise([name]);
    assert.equal(entries, {}, name);
    assert.equal(problems, [{ name, message: `is not read; to have it read, name it ${meant}` }]);
  }
});

test('no name breaks it, and none of the boot loader is taken for ours', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 40 })), (names) => void recognise(names)),
  );
  const loader = [
    'config.txt',
    'cmdline.txt',
    'bootcode.bin',
    'start4.elf',
    'overlays',
    'grub',
    'kernel8.img',
  ];
  assert.equal(recognise(loader), { entries: {}, problems: [] });
});

test('text of any editor is the same text; what is no text is refused', () => {
  const text = 'node: { site: é }\nlog: {}\n';
  const windows = text.replaceAll('\n', '\r\n');
  const bytes = (encoding: BufferEncoding, mark: number[]) =>
    Buffer.concat([Buffer.from(mark), Buffer.from(windows, encoding)]);
  assert.is(decodeText(Buffer.from(text)), text);
  assert.is(decodeText(bytes('utf8', [0xef, 0xbb, 0xbf])), text);
  assert.is(decodeText(bytes('utf16le', [0xff, 0xfe])), text);
  assert.is(decodeText(bytes('utf16le', [0xff, 0xfe]).swap16()), text);
  assert.is(decodeText(Buffer.from('a\rb')), 'a\nb');
  assert.is(decodeText(new Uint8Array(0)), '');
  for (const bad of [Buffer.from([0xc3, 0x28]), Buffer.from('a\0b'), Buffer.from([0xff, 0xfe, 0x00, 0xd8])])
    assert.throws(
      () => decodeText(bad),
      (error: unknown) => error instanceof InputError && error.code === 'not-text',
    );
});

test('a configuration is judged as vigie check does, and by what it names', () => {
  const good = checkConfiguration('node: { site: a, name: b }\n', nothing, remedy);
  assert.equal(good, { verdict: 'good', problems: [], missing: [] });
  const text = [
    'node: { site: a, name: b }',
    'mqtt:',
    '  url: mqtts://h:8883',
    '  username: u',
    '  passwordFile: credential:pw',
    '  tls: { caFile: /etc/vigie/ca.pem }',
  ].join('\n');
  const { verdict, problems, missing } = checkConfiguration(text, nothing, remedy);
  assert.is(verdict, 'refused');
  assert.equal(
    problems.map(({ line, column, message }) => [line, column, message]),
    [
      [5, 17, "there is no secret 'pw': drop it"],
      [6, 18, 'there is no file /etc/vigie/ca.pem: drop it'],
    ],
  );
  assert.equal(
    missing.map(({ kind, name }) => `${kind}/${name}`),
    ['secrets/pw', 'files/ca.pem'],
  );
  const known = { secrets: new Set(['pw']), files: new Set(['ca.pem']) };
  assert.is(checkConfiguration(text, known, remedy).verdict, 'good');
  const device = `${text}\nsources: [{ type: modbus, name: plc }]\n`;
  assert.is(checkConfiguration(device, known, remedy).verdict, 'quarantine');
  assert.is(checkConfiguration('node: {', nothing, remedy).verdict, 'refused');
  assert.equal(references('a: [credential:x, {b: credential:y}]\nc: "credential:"'), [
    { kind: 'secrets', name: 'x', path: ['a', 0], line: 1, column: 5 },
    { kind: 'secrets', name: 'y', path: ['a', 1, 'b'], line: 1, column: 23 },
  ]);
});

test('SSH keys: whole public keys alone', () => {
  assert.equal(checkSshKeys(`# mine\n\n${KEY}\nno-pty,command="a b" ${KEY}\n`), {
    keys: [KEY, `no-pty,command="a b" ${KEY}`],
    problems: [],
  });
  const problem = (text: string) => {
    const { problems } = checkSshKeys(text);
    return problems[0] && `${problems[0].line}:${problems[0].column} ${problems[0].message}`;
  };
  assert.match(problem(`\n  ${KEY.slice(0, 50)}`)!, /^2:3 the key is cut off/);
  assert.match(problem('hello')!, /^1:1 expected a public key/);
  assert.match(problem(KEY.replace('ed25519', 'rsa'))!, /the key is no ssh-rsa/);
  assert.match(problem('-----BEGIN OPENSSH PRIVATE KEY-----\nabc')!, /never leave your computer/);
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => void checkSshKeys(text)));
});

test.run();
