/** Loaded into a node before it starts: at SIGUSR2 its Modbus buses hang, as by a promise that nobody keeps. */

import { millis } from '../../runtime/core/units.ts';
import { Bus } from '../../runtime/sources/modbus/bus.ts';
import { SourceProgress } from '../../runtime/supervisor/source-progress.ts';

let hangs = false;
process.on('SIGUSR2', () => {
  hangs = true;
});
const exchange = Bus.prototype.exchange;
Bus.prototype.exchange = function (...args) {
  return hangs ? new Promise(() => {}) : exchange.apply(this, args);
};
// A minute in life.
SourceProgress.prototype.limit = () => millis(1000);
