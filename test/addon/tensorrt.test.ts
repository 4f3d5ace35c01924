/** Which TensorRT the addon takes, and what it says of the others. Each in a process of its own: it opens one for good. */

import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openTensorrt, type TensorrtAbsent, type TensorrtHere } from '../../runtime/addon/tensorrt.ts';
import { packageRoot } from '../../runtime/core/paths.ts';
import { standinFolder } from '../support/tensorrt-standin.ts';

const run = promisify(execFile);
const PROGRAM = `import { openTensorrt } from '${packageRoot}/runtime/addon/tensorrt.ts';
process.stdout.write(JSON.stringify(openTensorrt(process.argv.slice(1))));`;

type Facts = Partial<Omit<TensorrtHere, 'available'>> &
  Partial<Omit<TensorrtAbsent, 'available'>> & { available: boolean };

async function opened(folder: string, faults: Record<string, string> = {}): Promise<Facts> {
  const { stdout } = await run(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', PROGRAM, folder],
    { env: { ...process.env, ...faults } },
  );
  return JSON.parse(stdout) as Facts;
}

test('the libraries are found, with GPU and versions', async () => {
  const facts = await opened(standinFolder(), { STANDIN_TENSORRT_VERSION: '101303', STANDIN_GPU: 'Orin' });
  assert.ok(facts.available);
  const { version, gpu, capability, cuda, noBuilder } = facts;
  assert.equal([version, gpu, capability, cuda, noBuilder], ['10.13.3', 'Orin', '8.7', '12.6', undefined]);
});

test('a TensorRT of another version is refused', async () => {
  const refused = async (number: string, text: RegExp) => {
    const facts = await opened(standinFolder(), { STANDIN_TENSORRT_VERSION: number });
    assert.not.ok(facts.available);
    assert.match(facts.reason ?? '', text);
  };
  await refused('8502', /is TensorRT 8\.5\.2, which is too old: 8\.6/);
  await refused('8601', /is TensorRT 8\.6\.1; this addon was compiled for .*-DTENSORRT_INCLUDE_DIR/);
  await refused('110000', /is TensorRT 11\.0\.0; this addon was compiled for/);
  await refused('100200', /is TensorRT 10\.2\.0, older than the headers/);
});

test('a machine whose GPU cannot be used says so', async () => {
  const reason = async (state: string) =>
    (await opened(standinFolder(), { STANDIN_CUDA: state })).reason ?? '';
  assert.match(await reason('no-device'), /libcudart\.so\.12: no GPU can be used: no CUDA-capable device/);
  assert.match(await reason('old-driver'), /driver version is insufficient/);
});

test('missing libraries are named with where they were looked for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-libraries-'));
  try {
    const copy = (name: string) => copyFileSync(join(standinFolder(), name), join(folder, name));
    const nothing = await opened(folder);
    assert.match(
      nothing.reason ?? '',
      /libnvinfer is not installed \(tried libnvinfer\.so\.10, .*vigie-libraries-/,
    );
    assert.match(nothing.reason ?? '', /install the package/);

    writeFileSync(join(folder, 'libnvinfer.so.10'), 'no library');
    assert.match((await opened(folder)).reason ?? '', /libnvinfer does not open: .*libnvinfer\.so\.10: /);

    copyFileSync(join(standinFolder(), 'libcudart.so.12'), join(folder, 'libnvinfer.so.10'));
    assert.match((await opened(folder)).reason ?? '', /is no TensorRT/);

    copy('libnvinfer.so.10');

    copy('libcudart.so.12');
    const runs = await opened(folder);
    assert.ok(runs.available);
    assert.match(runs.noBuilder as string, /libnvonnxparser is not installed/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('what is no list of folders is refused', () => {
  assert.throws(
    () => openTensorrt('x' as never),
    (error: { code?: string }) => error.code === 'bad-argument',
  );
  assert.throws(
    () => openTensorrt([1] as never),
    (error: { code?: string }) => error.code === 'bad-argument',
  );
});

test.run();
