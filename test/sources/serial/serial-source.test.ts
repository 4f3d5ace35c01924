import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { serialSource } from '../../../runtime/config/schema/serial.ts';
import { buildTags } from '../../../runtime/config/tags.ts';
import type { Sample } from '../../../runtime/core/messages.ts';
import { openSerialPort, type SerialHandle } from '../../../runtime/sources/port/serial-port.ts';
import { SerialSource } from '../../../runtime/sources/serial/serial-source.ts';
import { openPtyPair, type PtyPair } from '../../support/pty.ts';
import { testSpine } from '../../support/spine.ts';
import { waitFor } from '../../support/wait.ts';

interface Context {
  pty: PtyPair;
  device: SerialHandle;
  heard: string;
  sources: SerialSource[];
}

const test = suite<Context>('serial source');
test.before.each(async (context) => {
  context.pty = await openPtyPair();
  context.heard = '';
  context.sources = [];
  context.device = await openFar(context);
});
test.after.each(async (context) => {
  for (const source of context.sources) await source.stop();
  await context.device.close();
  await context.pty.close();
});

const openFar = (context: Context) =>
  openSerialPort(
    { path: context.pty.far, baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 },
    {
      data: (chunk) => {
        context.heard += chunk.toString('latin1');
      },
      lost: () => {},
    },
  );

async function startSource(context: Context, over: Record<string, unknown>) {
  const config = serialSource.parse({
    type: 'serial',
    name: 'probe',
    serial: { path: context.pty.near },
    period: '100ms',
    ...over,
  });
  const tags = new Map(buildTags({ sources: [config] }).map((tag) => [tag.name, tag]));
  const samples: Sample[] = [];
  const spine = testSpine();
  const source = new SerialSource({ ...spine, config, tags, emit: (batch) => samples.push(...batch) });
  context.sources.push(source);
  await source.start();
  await waitFor('the port', () => spine.lines.some(({ event }) => event === 'serial.port.open'));
  const good = () =>
    samples.filter(({ quality }) => quality === 'good').map(({ tag, value }) => [tag.name, value]);
  return { source, samples, spine, good };
}

const LINE = {
  framing: { type: 'line' },
  pattern: 'T=(?<t>[^;]+);H=(?<h>.+)',
  tags: [
    { name: 't', match: 't', range: [-40, 80] },
    { name: 'h', match: 'h' },
  ],
};

test('lines become samples; what does not match is counted, what is out of range is uncertain', async (context) => {
  const { good, samples, source, spine } = await startSource(context, LINE);
  context.device.write(Buffer.from('booting\r\nT=21.5;H=40\r\nT=900;H=41\r\n'));
  await waitFor('four samples', () => good().length === 3);
  assert.equal(good(), [
    ['t', 21.5],
    ['h', 40],
    ['h', 41],
  ]);
  const hot = samples.find(({ value }) => value === 900)!;
  assert.equal([hot.quality, hot.reason], ['uncertain', 'out-of-range']);
  assert.is(source.health().state, 'ok');
  assert.match(
    await spine.registry.metrics(),
    /vigie_serial_frames_total\{source="probe",result="mismatch"\} 1/,
  );
});

test('a sensor that answers on request is asked each period; a wrong checksum is no value', async (context) => {
  const { good, spine } = await startSource(context, {
    framing: { type: 'gap', gap: '30ms' },
    checksum: 'crc16-modbus',
    request: 'R\\x05\\r',
    tags: [{ name: 'level', at: 0, type: 'uint16' }],
  });
  await waitFor('two requests', () => context.heard.split('R\x05\r').length > 2);
  context.device.write(Buffer.from([0x01, 0x02, 0xff, 0xff]));
  await waitFor('the bad frame', async () =>
    (await spine.registry.metrics()).includes('result="checksum"} 1'),
  );
  context.device.write(Buffer.from([0x01, 0x02, 0x81, 0xe1]));
  await waitFor('the value', () => good().length > 0);
  assert.equal(good()[0], ['level', 258]);
});

test('a silent sensor is stale, and the node says so', async (context) => {
  const { samples, source, good } = await startSource(context, LINE);
  context.device.write(Buffer.from('T=1;H=2\n'));
  await waitFor('a value', () => good().length > 0);
  await waitFor('stale samples', () => samples.some(({ reason }) => reason === 'stale'));
  assert.is(source.health().state, 'degraded');
  assert.match(source.health().detail, /no frame for 3 periods/);
});

test('a sensor that never says anything is a fault, not a start that lasts for ever', async (context) => {
  const { source } = await startSource(context, LINE);
  await waitFor('the verdict', () => source.health().state === 'degraded');
  assert.match(source.health().detail, /no frame for 3 periods/);
});

test('a field with a longer period of its own is not stale by the period of the others', async (context) => {
  const tags = [LINE.tags[0], { name: 'h', match: 'h', period: '1h' }];
  const { samples, good } = await startSource(context, { ...LINE, tags });
  context.device.write(Buffer.from('T=1;H=2\n'));
  await waitFor('a value', () => good().length > 0);
  await waitFor('stale samples', () => samples.some(({ reason }) => reason === 'stale'));
  assert.equal(
    [...new Set(samples.filter(({ reason }) => reason === 'stale').map(({ tag }) => tag.name))],
    ['t'],
  );
});

test('what can never hold a value is refused with its place', () => {
  const problems = (over: object) =>
    serialSource
      .safeParse({ type: 'serial', name: 's', serial: { path: '/dev/x' }, ...LINE, ...over })
      .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  assert.is(problems({}), undefined);
  assert.match(
    problems({ pattern: '(?<t>.+)' })![0]!,
    /^tags\.1\.match: 'h' is no named group of pattern; .*: t$/,
  );
  assert.match(problems({ pattern: undefined })![0]!, /^tags\.0\.match: .*there is no named group$/);
  assert.match(problems({ pattern: 'T=\\' })![0]!, /^pattern: not a regular expression/);
  const fixed = { framing: { type: 'fixed', length: 4 }, pattern: undefined };
  const field = (at: number) => ({ ...fixed, tags: [{ name: 't', at, type: 'uint16' }] });
  assert.is(problems(field(2)), undefined);
  assert.match(problems(field(3))![0]!, /^tags\.0\.at: the field ends at byte 5 of a frame of 4$/);
});

test('a port pulled out and put back, under whatever number, is read again; meanwhile samples are bad', async (context) => {
  const { samples, source, good, spine } = await startSource(context, LINE);
  await context.pty.unplug();
  await waitFor('the loss', () => samples.some(({ reason }) => reason === 'bus-offline'));
  assert.is(source.health().state, 'failed');
  assert.is(spine.lines.filter(({ event }) => event === 'serial.port.down').length > 0, true);
  await context.device.close();
  await context.pty.plug();
  context.device = await openFar(context);
  await waitFor('a value', () => {
    context.device.write(Buffer.from('T=7;H=8\n'));
    return good().length > 0;
  });
  assert.is(source.health().state, 'ok');
});

test.run();
