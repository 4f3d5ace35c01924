/** Readiness, evidence of progress and the words of the protocol, with time as an argument. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Clock } from '../../runtime/core/clock.ts';
import type { Health } from '../../runtime/core/component.ts';
import type { Quality, Sample, Tag } from '../../runtime/core/messages.ts';
import { type Millis, millis, minutes, seconds } from '../../runtime/core/units.ts';
import { describeEnd } from '../../runtime/supervisor/last-words.ts';
import { READY_AT_MOST, readyWith } from '../../runtime/supervisor/readiness.ts';
import { ServiceManager, takeServiceEnvironment } from '../../runtime/supervisor/service-manager.ts';
import { ServiceWatch, type Watched } from '../../runtime/supervisor/service-watch.ts';
import { SourceProgress } from '../../runtime/supervisor/source-progress.ts';
import { testSpine } from '../support/spine.ts';

const health = (state: Health['state'], detail = ''): Health => ({ state, detail });

test('ready after the first good reading or the first picture, or once it is said what cannot be read', () => {
  const at = (
    sources: Record<string, Health>,
    cameras: Record<string, Health> = {},
    anyGood = false,
    waited = 0,
  ) => readyWith({ sources, cameras, anyGood }, millis(waited));
  assert.is(at({ plc: health('starting') }), undefined);
  // Connected, and nothing read yet.
  assert.is(at({ plc: health('ok') }), undefined);
  assert.is(at({ plc: health('ok') }, {}, true), 'reading');
  assert.match(at({ plc: health('failed', 'connection refused') })!, /^degraded, .*plc: connection refused/);
  assert.is(at({ plc: health('failed'), line: health('starting') }), undefined);
  assert.match(at({ plc: health('failed'), line: health('degraded') })!, /^degraded/);
  assert.is(at({}, { 'vision-gate': health('starting') }), undefined);
  assert.match(at({ plc: health('failed') }, { 'vision-gate': health('ok') })!, /^seeing \(vision-gate\)/);
  assert.match(at({})!, /no sources and no cameras/);
  assert.match(at({ plc: health('starting') }, {}, false, READY_AT_MOST)!, /^degraded.*plc: silent/);
});

test('what systemd set is taken out of the environment; a watchdog of another process is not ours', () => {
  const env = { NOTIFY_SOCKET: '/run/x', WATCHDOG_USEC: '60000000', WATCHDOG_PID: '42', PATH: '/bin' };
  const copy = { ...env };
  assert.equal(takeServiceEnvironment(copy, 42), { address: '/run/x', watchdog: 60_000 });
  assert.equal(copy, { PATH: '/bin' });
  assert.is(takeServiceEnvironment({ ...env }, 43).watchdog, undefined);
  assert.equal(takeServiceEnvironment({}, 1), { address: undefined, watchdog: undefined });
  assert.is(takeServiceEnvironment({ NOTIFY_SOCKET: '', WATCHDOG_USEC: 'soon' }, 1).watchdog, undefined);
});

test('the protocol: ready is said until it was heard, a status when it differs, in one short line', () => {
  const said: string[] = [];
  let deaf = true;
  const manager = new ServiceManager((message) => {
    if (deaf) throw new RangeError('full');
    said.push(message);
  });
  manager.ready('reading');
  assert.is(manager.isReady, false);
  manager.reloading(millis(5));
  manager.status('one');
  deaf = false;
  manager.ready('reading');
  manager.status('two\nREADY=0');
  manager.status('two READY=0');
  manager.status('x'.repeat(1000));
  manager.reloading(millis(5));
  manager.reloaded();
  manager.alive();
  manager.stopping();
  assert.equal(said, [
    'READY=1\nSTATUS=reading',
    'STATUS=two READY=0',
    `STATUS=${'x'.repeat(300)}`,
    'RELOADING=1\nMONOTONIC_USEC=5000',
    'READY=1',
    'WATCHDOG=1',
    'STOPPING=1\nSTATUS=stopping',
  ]);
});

const samples = (source: string, quality: Quality = 'good') =>
  [{ tag: { source } as Tag, quality } as Sample] satisfies Sample[];

test('one silent source is started anew; only when all are silent, though they were, does the node hang', () => {
  const period = seconds(5);
  const progress = new SourceProgress(
    [
      { name: 'a', period },
      { name: 'b', period },
      { name: 'recording', period: undefined },
    ],
    millis(0),
  );
  for (let now = 0; now <= 120_000; now += 5000) progress.tick(samples('a', 'bad'), millis(now));
  assert.is(progress.anyGood, false);
  assert.equal(progress.takeSilent(millis(120_000)), ['b']);
  assert.equal(progress.takeSilent(millis(120_001)), [], 'it is given another chance');
  assert.is(progress.stuck(millis(600_000)) === undefined, false);
  assert.is(progress.stuck(millis(230_000)), undefined);
  progress.tick(samples('b'), millis(600_000));
  assert.ok(progress.anyGood);
  assert.is(progress.stuck(millis(600_001)), undefined);
  assert.match(progress.stuck(millis(720_002))!, /no source has delivered anything for 120 s/);
});

test('who is rarely due has time; without sources nothing can hang', () => {
  const slow = new SourceProgress([{ name: 'hourly', period: minutes(60) }], millis(0));
  assert.equal(slow.takeSilent(minutes(170)), []);
  assert.is(slow.stuck(minutes(350)), undefined);
  assert.is(new SourceProgress([], millis(0)).stuck(minutes(1e6)), undefined);
});

function watched(over: Partial<Watched> = {}): Watched {
  return {
    stuck: () => undefined,
    readyWith: () => 'reading',
    statusLine: () => 'fine',
    heal: () => {},
    ...over,
  };
}

function watch(node: Watched | undefined, tell: { stuck?: string[]; steady?: number } = {}) {
  const said: string[] = [];
  const time = { now: 0 };
  const { log, lines } = testSpine();
  const clock = { mono: () => millis(time.now) } as Clock;
  const made = new ServiceWatch({
    manager: new ServiceManager((message) => void said.push(message)),
    clock,
    log,
    watchdog: seconds(60),
    onStuck: (why) => tell.stuck?.push(why),
    onSteady: () => {
      tell.steady = (tell.steady ?? 0) + 1;
    },
  });
  made.watch(node);
  const look = (at: Millis) => {
    time.now = at;
    said.length = 0;
    made.look();
    return [...said];
  };
  return { look, lines, made };
}

test('without evidence there is no sign of life: said once in the log, in the status, and to whoever is next', () => {
  let why: string | undefined;
  const told = { stuck: [] as string[] };
  const { look, lines } = watch(watched({ stuck: () => why }), told);
  assert.equal(look(millis(0)), ['WATCHDOG=1', 'READY=1\nSTATUS=reading', 'STATUS=fine']);
  why = 'no source has delivered anything for 120 s';
  assert.equal(look(seconds(20)), [`STATUS=stuck: ${why}`]);
  assert.equal(look(seconds(40)), []);
  assert.equal(told.stuck, [why]);
  const starved = lines.filter(({ event }) => event === 'service.watchdog.starved');
  assert.is(starved.length, 1);
  assert.match(String(starved[0]?.message), /the service manager is not told to wait/);
  why = undefined;
  assert.equal(look(seconds(60)), ['WATCHDOG=1', 'STATUS=fine']);
  assert.ok(lines.some(({ event }) => event === 'service.watchdog.recovered'));
});

test('a node that does not come up, first or again, is stuck after two minutes', () => {
  const { look } = watch(undefined);
  assert.equal(look(seconds(119)), ['WATCHDOG=1']);
  assert.equal(look(seconds(121)), []);
});

test('steady ten minutes after it was ready, once', () => {
  const told = { steady: 0 };
  const { look } = watch(
    watched({ readyWith: (waited) => (waited >= 20_000 ? 'reading' : undefined) }),
    told,
  );
  assert.equal(look(seconds(10)), ['WATCHDOG=1', 'STATUS=fine']);
  assert.ok(look(seconds(20)).some((message) => message.startsWith('READY=1')));
  look(seconds(619));
  assert.is(told.steady, 0);
  look(seconds(621));
  look(seconds(900));
  assert.is(told.steady, 1);
});

test('how it ended, in words', () => {
  assert.match(describeEnd('watchdog dumped ABRT'), /watchdog/);
  assert.match(describeEnd('oom-kill killed KILL'), /memory/);
  assert.is(describeEnd('exit-code exited 78'), 'it ended with status 78');
  assert.is(describeEnd('signal killed SEGV'), 'it was ended by signal SEGV');
  assert.is(describeEnd(''), '');
  assert.match(describeEnd('resources '), /resources/);
});

test.run();
