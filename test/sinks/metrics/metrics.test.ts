import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Quality, Sample, Tag, Value } from '../../../runtime/core/messages.ts';
import { Counter, Histogram, type Registry } from '../../../runtime/core/prometheus.ts';
import { millis } from '../../../runtime/core/units.ts';
import { registerNodeMetrics } from '../../../runtime/sinks/metrics/node-metrics.ts';
import { createRegistry } from '../../../runtime/sinks/metrics/registry.ts';
import { TagMetrics } from '../../../runtime/sinks/metrics/tag-metrics.ts';
import { FakeClock, nodeStatus, plantTags } from '../plant.ts';
import { lintExposition } from './lint.ts';

const clock = new FakeClock();
const tags = plantTags(127);

const device = { profile: 'raspberry-pi-5', board: 'Raspberry Pi 5 Model B Rev 1.0' };

const sample = (tag: Tag, value: Value | null, quality: Quality = 'good'): Sample => ({
  ...clock.stamp(),
  tag,
  value,
  quality,
});

function everything() {
  const registry = createRegistry({ site: 'lyon', node: 'pi-1', version: '0.1.0', device });
  const tagMetrics = new TagMetrics({ tags, registry, clock });
  registerNodeMetrics({ registry, status: nodeStatus });
  return { registry, tagMetrics };
}

const line = async (registry: Registry, start: string) =>
  (await registry.metrics()).split('\n').find((text) => text.startsWith(start));

test('the board and its profile are labels', async () => {
  const { registry } = everything();
  const text = await registry.metrics();
  assert.match(
    text,
    'vigie_device_info{profile="raspberry-pi-5",board="Raspberry Pi 5 Model B Rev 1.0"} 1\n',
  );
});

test('the latest value of a tag is a gauge with stage, kind and unit', async () => {
  const { registry, tagMetrics } = everything();
  tagMetrics.accept([sample(tags[0]!, 7.1), sample(tags[1]!, true), sample(tags[0]!, 7.25)]);
  const [first, second] = [tags[0]!, tags[1]!];
  assert.is(
    await line(registry, `vigie_tag_value{tag="${first.name}"`),
    `vigie_tag_value{tag="${first.name}",stage="${first.group}",kind="${first.kind}",unit="${first.unit}"} 7.25`,
  );
  assert.match((await line(registry, `vigie_tag_value{tag="${second.name}"`))!, / 1$/);
  assert.is(
    await line(registry, `vigie_tag_value{tag="${tags[2]!.name}"`),
    undefined,
    'never read, not shown',
  );
});

test('a bad value is NaN, its quality 0, its age known', async () => {
  const { registry, tagMetrics } = everything();
  tagMetrics.accept([sample(tags[0]!, 3), sample(tags[0]!, null, 'bad'), sample(tags[1]!, 2, 'uncertain')]);
  clock.advance(millis(1500));
  assert.match((await line(registry, `vigie_tag_value{tag="${tags[0]!.name}"`))!, / nan$/i);
  assert.match((await line(registry, `vigie_tag_quality{tag="${tags[0]!.name}"`))!, / 0$/);
  assert.match((await line(registry, `vigie_tag_quality{tag="${tags[1]!.name}"`))!, / 1$/);
  assert.match((await line(registry, `vigie_tag_age_seconds{tag="${tags[0]!.name}"`))!, / 1\.5$/);
});

test('status becomes gauges, and what is gone disappears', async () => {
  const { registry } = everything();
  const text = await registry.metrics();
  for (const expected of [
    'vigie_uptime_seconds 3600',
    'vigie_clock_synced 0',
    'vigie_config_state{state="last-known-good"} 1',
    'vigie_config_state{state="ok"} 0',
    'vigie_component_state{component="modbus-plant",state="degraded"} 1',
    'vigie_component_parts{component="modbus-plant",state="failed"} 1',
  ])
    assert.ok(text.includes(`${expected}\n`), expected);
  let components: ReturnType<typeof nodeStatus>['components'] = { one: { state: 'ok', detail: '' } };
  const other = createRegistry({ site: 's', node: 'n', version: '1', device });
  registerNodeMetrics({
    registry: other,
    status: () => ({ ...nodeStatus(), components }),
  });
  assert.ok((await other.metrics()).includes('component="one"'));
  components = {};
  assert.not((await other.metrics()).includes('component="one"'));
});

test('process metrics have their standard names', async () => {
  const text = await everything().registry.metrics();
  for (const name of [
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'process_start_time_seconds',
    'process_open_fds',
    'process_max_fds',
    'nodejs_eventloop_lag_p99_seconds',
    'nodejs_heap_size_used_bytes',
    'nodejs_gc_duration_seconds',
    'nodejs_version_info',
  ])
    assert.match(text, new RegExp(`^# TYPE ${name} `, 'm'));
});

test('a registry with everything in it keeps the conventions', async () => {
  const { registry, tagMetrics } = everything();
  tagMetrics.accept(tags.map((tag) => sample(tag, tag.index)));
  assert.equal(lintExposition(await registry.metrics()), []);
});

test('the lint sees what it is for', async () => {
  const { registry } = everything();
  new Counter({ name: 'vigie_polls', help: 'x', registers: [registry] }).inc();
  new Counter({ name: 'polls_total', help: 'x', registers: [registry] }).inc();
  new Histogram({ name: 'vigie_poll_ms', help: 'x', registers: [registry] }).observe(1);
  const long = new Counter({ name: 'vigie_x_total', help: 'x', labelNames: ['id'], registers: [registry] });
  long.inc({ id: 'y'.repeat(200) });
  for (let id = 0; id < 20; id++) long.inc({ id });
  const text = `${await registry.metrics()}vigie_uptime_seconds 1\nvigie_stray 1\nvigie_stray{a="b} x\n`;
  const problems = lintExposition(text, { maxSeries: 20 });
  for (const expected of [
    'vigie_polls is a counter without _total',
    'polls_total has none of the prefixes vigie_, process_, nodejs_',
    'vigie_poll_ms is not in a base unit (seconds, bytes, ratio …)',
    'vigie_x_total: label id is longer than 128',
    'vigie_x_total has 21 series; at most 20 are expected',
    'vigie_uptime_seconds appears twice',
    'vigie_stray has no TYPE',
  ])
    assert.ok(problems.includes(expected), `${expected} in ${problems.join('; ')}`);
});

test('promtool agrees', async () => {
  if (spawnSync('promtool', ['--version']).error) {
    console.log('skip: promtool is not installed (Debian package prometheus)');
    return;
  }
  const { registry, tagMetrics } = everything();
  tagMetrics.accept(tags.map((tag) => sample(tag, tag.index % 5 ? tag.index : null)));
  const check = spawnSync('promtool', ['check', 'metrics'], {
    input: await registry.metrics(),
    encoding: 'utf8',
  });
  assert.is(check.status, 0, check.stdout + check.stderr);
});

test.run();
