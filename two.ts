import { startMosquitto } from './test/support/mosquitto.ts';
import { connectLink } from './ota/protocol/mqtt-link.ts';
const broker = await startMosquitto();
const a = await connectLink(broker.url), b = await connectLink(broker.url);
const T=()=>performance.now();
let t=T(); await a.subscribe('x/1', ()=>{}); console.log('sub', T()-t);
t=T(); await a.subscribe('x/2', ()=>{}); console.log('sub', T()-t);
let got: any; await a.subscribe('y', ()=>got());
await b.subscribe('x/q', ()=>{ b.publish('y', Buffer.alloc(50), {qos:0,retain:false}); });
for (let i=0;i<6;i++){ const p=new Promise(r=>got=r); t=T(); await a.publish('x/q', Buffer.alloc(50), {qos:0,retain:false}); await p; console.log('rt', T()-t); }
await a.close(); await b.close(); await broker.stop();
