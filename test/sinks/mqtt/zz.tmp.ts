import { startRig, until } from './harness.ts';
import { startMosquitto } from '../../support/mosquitto.ts';
const broker = await startMosquitto();
const rigs = [await startRig({ url: broker.url, clientId: 'twin' }), await startRig({ url: broker.url, clientId: 'twin' })];
for (let i=0;i<8;i++){ await new Promise(r=>setTimeout(r,400)); console.log(rigs.map(r=>JSON.stringify(r.sink.health())).join('\n')); }
console.log(rigs[0].events);
console.log(broker.output());
process.exit(0);
