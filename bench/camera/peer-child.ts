/**
 * The same detector as a JavaScript program runs it: sharp, onnxruntime-node and loops. Arguments: ONNX model, JPEG,
 * seconds. Prints the pictures a second. It is spared the camera, the conversion to RGB, tracks and delivery.
 */

import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { openPeer } from '../inference/js-peer.ts';

const WARM_UP = 5;

const [model, picture, seconds] = process.argv.slice(2);
const { data, info } = await sharp(readFileSync(picture!))
  .resize(1280, 720, { fit: 'contain' })
  .removeAlpha()
  .raw()
  .toBuffer({ resolveWithObject: true });
const peer = await openPeer('fastestdet', model!);
const frame = { width: info.width, height: info.height, data };
for (let i = 0; i < WARM_UP; i++) await peer.detect(frame);
const began = performance.now();
let pictures = 0;
for (; performance.now() - began < Number(seconds) * 1000; pictures++) await peer.detect(frame);
const fps = pictures / ((performance.now() - began) / 1000);
await peer.close();
process.stdout.write(JSON.stringify(fps));
