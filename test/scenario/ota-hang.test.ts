/** Case 49: a model that loads, passes its self-test and hangs at the first row that it has to judge. */

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { scoreCase, scoreOnnx } from '../support/bundles.ts';
import { Fleet } from '../support/fleet.ts';
import { freePort, type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { getMetric, killNodes } from '../support/node.ts';
import { constant, graph, info, onnxModel, node as op, subgraph } from '../support/onnx-writer.ts';
import { startUpdateNode, type UpdateNode } from '../support/update-node.ts';
import { waitFor } from '../support/wait.ts';

let fleet: Fleet;
let broker: Mosquitto;
let node: UpdateNode;

test.after(async () => {
  killNodes();
  await fleet?.remove();
  await broker?.stop();
  node?.folder.remove();
});

/** 0 for zeros; for anything above it goes round and round for longer than anybody waits. */
function hangingOnnx(): Uint8Array {
  const body = graph({
    inputs: [info('i', 'int64', []), info('go', 'bool', []), info('v', 'float32', [1, 1])],
    outputs: [info('on', 'bool', []), info('w', 'float32', [1, 1])],
    nodes: [op('Identity', ['go'], ['on']), op('Mul', ['v', 'half'], ['w'])],
    initializers: [constant('half', 'float32', [1], [0.5])],
  });
  return onnxModel({
    inputs: [info('x', 'float32', [1, 2])],
    outputs: [info('score', 'float32', [1, 1])],
    nodes: [
      op('ReduceSum', ['x', 'axes'], ['sum'], { keepdims: 1 }),
      op('Greater', ['sum', 'zero'], ['above']),
      op('Cast', ['above'], ['one'], { to: 7 }),
      op('Mul', ['one', 'many'], ['rounds']),
      op('Squeeze', ['rounds'], ['times']),
      op('Loop', ['times', 'yes', 'sum'], ['score'], { body: subgraph(body) }),
    ],
    initializers: [
      constant('axes', 'int64', [1], [1]),
      constant('zero', 'float32', [1], [0]),
      constant('many', 'int64', [1], [1e15]),
      constant('yes', 'bool', [], [1]),
    ],
  });
}

test('case 49: the node notices, goes back, and is asked again as before', async () => {
  broker = await startMosquitto();
  fleet = new Fleet();
  await fleet.add({ release: 1, model: scoreOnnx(2), cases: [scoreCase([1, 2], 3)] });
  await fleet.assign([{ release: 1 }]);
  await fleet.serve(broker.url);
  const port = await freePort();
  node = startUpdateNode({ fleet, broker: broker.url, httpPort: port, ota: { jitter: '0ms' } });
  await node.until('release 1', ({ active }) => active?.release === 1);
  // Without any limit on latency: that it hangs is enough.
  await fleet.add({ release: 2, model: hangingOnnx(), cases: [scoreCase([0, 0], 0)] });
  await fleet.assign([{ release: 2 }]);
  await node.ask('ota-check');
  await node.until('the trial', ({ trial, serving }) => trial?.release === 2 && serving?.release === 2);
  const { refused } = await node.until('the rollback', ({ refused }) => refused !== null, 30_000);
  assert.equal([refused?.release, refused?.code], [2, 'ota-unhealthy']);
  assert.match(refused!.reason, /hangs: an inference has not come back for 1\d s/);
  await node.until('release 1 again', ({ serving }) => serving?.release === 1);
  await waitFor(
    'answers of release 1',
    async () => ((await getMetric(port, 'vigie_model_inferences', { model: 'score' })) ?? 0) > 5,
  );
});

test.run();
