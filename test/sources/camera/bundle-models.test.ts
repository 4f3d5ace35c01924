/** Releases of a bundle in a real vision process: they follow each other between two frames, survive the process, are refused. */

import { mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { seconds } from '../../../runtime/core/units.ts';
import { GroupModels } from '../../../runtime/sources/camera/group-models.ts';
import type {
  FrameDetections,
  ModelFacts,
  ModelJob,
  ToVision,
} from '../../../runtime/sources/camera/messages.ts';
import {
  camera,
  canCapture,
  lampOnnx,
  pattern,
  smallLampOnnx,
  stoppedAfterEach,
  type TestGroup,
  writeLamp,
} from '../../support/cameras.ts';
import { rejects } from '../../support/rejects.ts';
import { waitFor } from '../../support/wait.ts';

const work = mkdtempSync(join(tmpdir(), 'vigie-bundle-models-'));
test.after(() => rmSync(work, { recursive: true }));

const startCameras = stoppedAfterEach();

interface Look {
  readonly frame: FrameDetections;
  readonly model: ModelFacts;
}

/** As the node would ask for it. */
async function release(
  number: number,
  models: Record<string, Uint8Array>,
  smaller?: Uint8Array,
): Promise<ModelJob> {
  const folder = mkdtempSync(join(work, 'release-'));
  await writeLamp(folder, { version: `1.0.${number}`, models, ...(smaller && { smaller }) });
  const paths = readdirSync(folder);
  const files = Object.fromEntries(paths.map((path) => [path, join(folder, path)]));
  return {
    manifest: files['manifest.json']!,
    bundle: { release: number, digest: `bundle-${number}`, files },
    lowScore: 0.5,
    backends: ['xnnpack'],
    precision: 'float32',
    threads: 1,
  };
}

async function start(config: object): Promise<{ group: TestGroup; looks: Look[] }> {
  const looks: Look[] = [];
  const red = camera({ pipeline: pattern('red'), fps: 20, ...config });
  const group = await startCameras([red], { onDetections: (frame, model) => looks.push({ frame, model }) });
  return { group, looks };
}

const versions = (looks: readonly Look[]) =>
  looks.map(({ model }) => model.identity.version).filter((version, i, all) => version !== all[i - 1]);

if (canCapture()) {
  test('one release follows another between two frames of one pipeline; what is damaged never looks', async () => {
    const { group, looks } = await start({});
    const [first, second, damaged] = [
      await release(1, { float32: lampOnnx() }),
      await release(2, { float32: lampOnnx(-0.1) }),
      await release(3, { float32: lampOnnx(-0.2) }),
    ];
    await group.group.serveModel('gate', first);
    await waitFor('looks', () => looks.length > 5);
    const { pid } = group.group;
    await group.group.serveModel('gate', second);
    await waitFor('looks of the second', () => looks.at(-1)?.model.bundle === 'bundle-2');
    truncateSync(damaged.bundle!.files['lamp-float32.xnn']!, 100);
    await rejects(group.group.serveModel('gate', damaged), 'no-backend');
    const before = looks.length;
    await waitFor('more looks', () => looks.length > before + 3);
    assert.equal(versions(looks), ['1.0.1', '1.0.2']);
    for (const { frame, model } of looks) {
      const score = frame.objects[0]!.score;
      assert.ok(
        Math.abs(score - (model.bundle === 'bundle-1' ? 1 : 0.9)) < 0.05,
        `${model.bundle}: ${score}`,
      );
    }
    const sequences = looks.map(({ frame }) => frame.sequence);
    assert.equal(
      sequences,
      [...sequences].sort((a, b) => a - b),
      'the pipeline was not built anew',
    );
    assert.equal([group.group.pid, group.steps()], [pid, []]);
  });

  test('a process that is started again takes up what served; nothing looks once it was cleared', async () => {
    const { group, looks } = await start({});
    await group.group.serveModel('gate', await release(1, { float32: lampOnnx() }));
    await waitFor('looks', () => looks.length > 0);
    process.kill(group.group.pid!, 'SIGKILL');
    await waitFor('the step', () => group.steps().includes('restart-process process-exited'));
    const before = looks.length;
    await waitFor('looks again', () => looks.length > before);
    group.group.clearModel('gate', 'no release of it is good');
    await waitFor('its health', () => group.group.health().detail.includes('no release of it is good'));
    const sent = looks.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.ok(looks.length <= sent + 2);
  });

  test('a faster variant of the release takes over from one that is too slow, and the node is told', async () => {
    const heavy = await release(1, { float32: lampOnnx(0, 12), int8: lampOnnx(-0.1) });
    const rate = { wantedFps: 12 };
    const { group, looks } = await start({ detection: { motion: { enabled: false }, rate } });
    await group.group.serveModel('gate', heavy);
    const fast = await waitFor('the int8 variant', () => looks.find(({ model }) => model.variant === 'int8'));
    const [slow] = looks;
    assert.equal([slow!.model.variant, fast.model.bundle], ['float32', 'bundle-1']);
    assert.is.not(slow!.model.identity.digest, fast.model.identity.digest);
    const told = group.events.find(({ detail }) => detail.includes("by the model's variant int8"));
    assert.equal([told?.step, told?.reason], ['rate', 'slow']);
    assert.match(told!.detail, 'inference is slower than the camera');
  });

  test('a smaller model of the release takes over, with an input of its own', async () => {
    const heavy = await release(1, { float32: lampOnnx(0, 12) }, smallLampOnnx(-0.1));
    const rate = { wantedFps: 12 };
    const { group, looks } = await start({ detection: { motion: { enabled: false }, rate } });
    await group.group.serveModel('gate', heavy);
    const small = await waitFor('the smaller model', () =>
      looks.find(({ model }) => model.variant === 'small float32'),
    );
    assert.equal([small.model.identity.version, small.model.bundle], ['1.0.1', 'bundle-1']);
    const [lamp] = small.frame.objects;
    assert.ok(Math.abs(lamp!.score - 0.9) < 0.05 && lamp!.label === 'lamp');
    assert.ok(group.events.some(({ detail }) => detail.includes("by the model's variant small float32")));
  });
}

const job = (digest: string) => ({ bundle: { digest } }) as unknown as ModelJob;
const facts = (bundle: string) => ({ bundle }) as unknown as ModelFacts;

const NOW = seconds(0);

test('a wish survives one end of the process, not two; a later wish takes its place', async () => {
  const models = new GroupModels();
  const sent: ToVision[] = [];
  const send = (message: ToVision) => void sent.push(message);
  const asked = models.serve('gate', job('a'), send, NOW);
  models.ended('ended by SIGKILL');
  models.started(send, NOW);
  assert.is(sent.length, 2);
  models.looks('gate', facts('other'));
  models.looks('gate', facts('a'));
  await asked;
  const second = rejects(models.serve('gate', job('b'), send, NOW), 'model-crashed');
  models.ended('ended by SIGSEGV');
  models.ended('ended by SIGSEGV');
  await second;
  sent.length = 0;
  models.started(send, NOW);
  assert.equal(sent, [{ type: 'serve', camera: 'gate', model: job('a') }], 'what served before serves again');
  const third = rejects(models.serve('gate', job('c'), send, NOW), 'model-late');
  const fourth = rejects(models.serve('gate', job('d'), send, NOW), 'bad-model');
  models.refused('gate', 'c', 'bad-model', 'of the one before');
  models.refused('gate', 'd', 'bad-model', 'wrong shape');
  await Promise.all([third, fourth]);
  await models.serve('gate', job('e'), undefined, NOW);
  models.clear('gate', send);
  sent.length = 0;
  models.started(send, NOW);
  assert.equal(sent, []);
});

test('a wish that is not met within a minute is given up, so that its process ends; each process has the minute anew', async () => {
  const models = new GroupModels();
  const send = () => {};
  const asked = rejects(models.serve('gate', job('a'), send, NOW), 'model-hung');
  assert.equal([models.waits('gate'), models.waits('yard')], [true, false]);
  models.ended('ended by SIGKILL');
  models.started(send, seconds(50));
  assert.is(models.hung(seconds(109)), undefined);
  assert.match(models.hung(seconds(110))!, 'did not load within 60 s');
  await asked;
  assert.equal([models.waits('gate'), models.hung(seconds(500))], [false, undefined]);
});

test.run();
