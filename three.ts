import { startMosquitto } from './test/support/mosquitto.ts';
import { connectLink } from './ota/protocol/mqtt-link.ts';
import { OtaTopics } from './ota/protocol/topics.ts';
import { MqttSource } from './ota/client/transport/mqtt-source.ts';
import { SystemClock } from './runtime/core/clock.ts';
import { MemorySink } from './test/support/ota/memory-sink.ts';
import { PublicFolder, randomBytes } from './test/support/ota/public-folder.ts';
import { spawn } from 'node:child_process';
if (process.argv[2]) {
const { Hub } = await import('./ota/publish/serve/hub.ts');
const hl = await connectLink(process.argv[2]!);
const hub = new Hub({link: hl, topics: new OtaTopics('s'), directory: process.argv[3]!, clock: new SystemClock()});
await hub.start(); console.log('up');
} else {
const broker = await startMosquitto({extra: process.env.ND ? ['set_tcp_nodelay true'] : []});
const folder = new PublicFolder();
const content = randomBytes(4<<20);
folder.blob(content); folder.metadata('timestamp.json','{}');
const topics = new OtaTopics('s'); const clock = new SystemClock();
const child = spawn(process.execPath, [import.meta.filename, broker.url, folder.directory], {stdio:['ignore','pipe','inherit']});
await new Promise(r=>child.stdout.once('data', r));
const nl = await connectLink(broker.url);
const source = new MqttSource({link: nl, topics, node:'n1', clock, timing: {window: Number(process.env.W ?? 8)}});
await source.metadata('timestamp.json', 16384, new AbortController().signal);
const res=[];
for (let i=0;i<15;i++){
const sink = new MemorySink(content);
const t=performance.now();
await source.fetch(sink, new AbortController().signal);
res.push(performance.now()-t);
}
console.log(res.map(x=>x.toFixed(0)).join(' '));
await nl.close(); child.kill(); await broker.stop(); folder.remove();
}
