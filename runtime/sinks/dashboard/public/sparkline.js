/** Sparklines by uPlot; a canvas exists only while its row is on the screen. */

const HEIGHT = 30;

const colours = { normal: '', warn: '', alarm: '' };
function readColours() {
  const style = getComputedStyle(document.documentElement);
  colours.normal = style.getPropertyValue('--spark').trim();
  colours.warn = style.getPropertyValue('--warn').trim();
  colours.alarm = style.getPropertyValue('--alarm').trim();
}

const byElement = new WeakMap();
const visible = new Set();
const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const sparkline = byElement.get(target);
      if (isIntersecting) sparkline.show();
      else sparkline.hide();
    }
  },
  { rootMargin: '120px' },
);

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  readColours();
  for (const sparkline of visible) sparkline.draw();
});

export class Sparkline {
  #element;
  #plot;
  #data = [[], []];
  #tone = 'normal';

  constructor(element) {
    this.#element = element;
    byElement.set(element, this);
    observer.observe(element);
  }

  /** @param xs seconds, ascending. @param ys numbers or null. */
  set(xs, ys, tone) {
    this.#data = [xs, ys];
    this.#tone = tone;
    this.draw();
  }

  draw() {
    this.#plot?.setData(this.#data);
  }

  show() {
    if (this.#plot) return;
    if (!colours.normal) readColours();
    visible.add(this);
    const stroke = () => colours[this.#tone];
    this.#plot = new uPlot(
      {
        width: this.#element.clientWidth,
        height: HEIGHT,
        padding: [4, 3, 4, 3],
        legend: { show: false },
        cursor: { show: false },
        select: { show: false },
        axes: [{ show: false }, { show: false }],
        scales: { x: { time: false }, y: { range: flatRange } },
        series: [{}, { stroke, width: 1.4, points: { show: false }, spanGaps: false }],
      },
      this.#data,
      this.#element,
    );
  }

  hide() {
    if (!this.#plot) return;
    visible.delete(this);
    this.#plot.destroy();
    this.#plot = undefined;
  }
}

/** A line that hardly moves is drawn flat in the middle, not as noise over the full height. */
function flatRange(_plot, low, high) {
  if (low === null || high === null) return [0, 1];
  const middle = (low + high) / 2;
  const half = Math.max((high - low) / 2, Math.abs(middle) * 0.005, 1e-9);
  return [middle - half, middle + half];
}
