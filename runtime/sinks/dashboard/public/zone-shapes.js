/** Zones and tripwires on the picture, as SVG: drawn, and moved by mouse, finger or keyboard. */

const SVG = 'http://www.w3.org/2000/svg';
const GRIP = 7;
/** A finger needs more than an eye. */
const TOUCH = 18;
const ARROW = 22;
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const MOST_CORNERS = 64;

const within = (value) => Math.min(1, Math.max(0, value));
const rounded = (point) => point.map((share) => Math.round(within(share) * 1e4) / 1e4);

function node(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/**
 * @param stage holds the picture, and gets the drawing over it.
 * @param onChange called after every change and choice, with nothing.
 */
export class ZoneShapes {
  #svg;
  #onChange;
  #size = { width: 1, height: 1 };
  /** What is being moved: a corner, or a whole shape from where it was touched. */
  #held;
  shapes = [];
  /** Indexes of the shape, and of its corner, that are worked on. */
  current = -1;
  corner = -1;

  constructor(stage, onChange) {
    const svg = node('svg', {
      id: 'overlay',
      role: 'group',
      'aria-label': 'Zones and tripwires on the picture',
    });
    stage.append(svg);
    this.#svg = svg;
    this.#onChange = onChange;
    svg.addEventListener('pointerdown', (event) => this.#down(event));
    svg.addEventListener('pointermove', (event) => this.#move(event));
    for (const name of ['pointerup', 'pointercancel']) svg.addEventListener(name, () => this.#up());
    svg.addEventListener('keydown', (event) => this.#key(event));
    svg.addEventListener('focusin', (event) => this.#focus(event.target.dataset));
    new ResizeObserver(() => this.draw()).observe(svg);
  }

  choose(index) {
    this.current = index;
    this.corner = -1;
    this.draw();
    this.#onChange();
  }

  get canRemoveCorner() {
    const shape = this.shapes[this.current];
    return this.corner >= 0 && shape?.kind === 'zone' && shape.points.length > 3;
  }

  removeCorner() {
    if (!this.canRemoveCorner) return;
    this.shapes[this.current].points.splice(this.corner, 1);
    this.choose(this.current);
  }

  draw() {
    const { width, height } = this.#svg.getBoundingClientRect();
    if (width === 0) return;
    this.#size = { width, height };
    this.#svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    const focused = document.activeElement?.closest?.('#overlay')
      ? document.activeElement.dataset.corner
      : undefined;
    const order = this.shapes
      .map((_, index) => index)
      .sort((a, b) => (a === this.current) - (b === this.current));
    this.#svg.replaceChildren(...order.flatMap((index) => this.#shape(index)));
    if (focused !== undefined) this.#svg.querySelector(`.grip[data-corner="${this.corner}"]`)?.focus();
  }

  #pixels([x, y]) {
    return [x * this.#size.width, y * this.#size.height];
  }

  #shape(index) {
    const { kind, mode, points, direction } = this.shapes[index];
    const corners = points.map((point) => this.#pixels(point));
    const names = [
      'shape',
      kind,
      mode === 'exclude' ? 'exclude' : '',
      index === this.current ? 'current' : '',
    ];
    const attributes = { class: names.join(' '), points: corners.join(' '), 'data-shape': index };
    const parts = [node(kind === 'zone' ? 'polygon' : 'polyline', attributes)];
    if (kind === 'tripwire') {
      // The line itself is too thin for a finger.
      parts.push(
        node('polyline', {
          points: corners.join(' '),
          'data-shape': index,
          stroke: 'transparent',
          'stroke-width': TOUCH,
          fill: 'none',
        }),
      );
      if (direction !== 'right-to-left') parts.push(arrow(corners, 1));
      if (direction !== 'left-to-right') parts.push(arrow(corners, -1));
    }
    if (index !== this.current) return parts;
    if (kind === 'zone' && points.length < MOST_CORNERS) parts.push(...this.#between(index, corners));
    return [...parts, ...corners.flatMap((at, corner) => this.#grip(index, corner, at))];
  }

  #between(index, corners) {
    return corners.map(([x, y], i) => {
      const [nextX, nextY] = corners[(i + 1) % corners.length];
      const at = { cx: (x + nextX) / 2, cy: (y + nextY) / 2 };
      return node('circle', {
        ...at,
        r: GRIP - 2,
        class: 'grip between',
        'data-shape': index,
        'data-after': i,
      });
    });
  }

  #grip(index, corner, [cx, cy]) {
    const { kind, name, points } = this.shapes[index];
    const what =
      kind === 'zone'
        ? `Corner ${corner + 1} of ${points.length}`
        : corner === 0
          ? 'First end'
          : 'Second end';
    const place = { cx, cy, 'data-shape': index, 'data-corner': corner };
    const label = `${what}, ${name || 'without a name'}. Arrow keys move it.`;
    const held = corner === this.corner ? 'grip held' : 'grip';
    return [
      node('circle', { ...place, r: TOUCH, class: 'touch' }),
      node('circle', { ...place, r: GRIP, class: held, tabindex: 0, role: 'button', 'aria-label': label }),
    ];
  }

  #share({ clientX, clientY }) {
    const { left, top, width, height } = this.#svg.getBoundingClientRect();
    return [(clientX - left) / width, (clientY - top) / height];
  }

  #down(event) {
    const { shape, corner, after } = event.target.dataset;
    if (shape === undefined || event.button !== 0) return;
    event.preventDefault();
    this.current = Number(shape);
    const { points } = this.shapes[this.current];
    this.corner = corner === undefined ? -1 : Number(corner);
    if (after !== undefined) {
      this.corner = Number(after) + 1;
      points.splice(this.corner, 0, rounded(this.#share(event)));
    }
    this.#held = { from: this.#share(event), points: points.map((point) => [...point]) };
    this.#svg.setPointerCapture(event.pointerId);
    this.draw();
    this.#onChange();
  }

  #move(event) {
    if (!this.#held) return;
    const [x, y] = this.#share(event);
    const { from, points } = this.#held;
    const shape = this.shapes[this.current];
    if (this.corner >= 0) shape.points[this.corner] = rounded([x, y]);
    else shape.points = shifted(points, x - from[0], y - from[1]);
    this.draw();
  }

  #up() {
    if (!this.#held) return;
    this.#held = undefined;
    this.draw();
    this.#onChange();
  }

  #focus({ shape, corner }) {
    if (this.#held || corner === undefined || Number(corner) === this.corner) return;
    this.current = Number(shape);
    this.corner = Number(corner);
    this.draw();
    this.#onChange();
  }

  #key(event) {
    const point = this.shapes[this.current]?.points[this.corner];
    if (!point) return;
    if (event.key === 'Delete' || event.key === 'Backspace') this.removeCorner();
    else if (STEPS[event.key]) {
      const by = event.shiftKey ? 0.002 : 0.01;
      const [x, y] = STEPS[event.key];
      this.shapes[this.current].points[this.corner] = rounded([point[0] + x * by, point[1] + y * by]);
      this.draw();
      this.#onChange();
    } else return;
    event.preventDefault();
  }
}

/** As a whole, so far as all of it stays in the picture. */
function shifted(points, dx, dy) {
  const held = (axis, by) => {
    const values = points.map((point) => point[axis]);
    return Math.min(1 - Math.max(...values), Math.max(-Math.min(...values), by));
  };
  const [x, y] = [held(0, dx), held(1, dy)];
  return points.map((point) => rounded([point[0] + x, point[1] + y]));
}

/** @param side 1: towards the right of who stands at the first end and looks at the second. */
function arrow([[x1, y1], [x2, y2]], side) {
  const length = Math.hypot(x2 - x1, y2 - y1) || 1;
  const [ax, ay] = [(x2 - x1) / length, (y2 - y1) / length];
  const [nx, ny] = [-ay * side, ax * side];
  const [mx, my] = [(x1 + x2) / 2, (y1 + y2) / 2];
  const at = (out, along) => [mx + nx * out + ax * along, my + ny * out + ay * along].join();
  const wing = ARROW * 0.45;
  const points = [at(0, 0), at(ARROW, 0), at(ARROW - wing, wing), at(ARROW, 0), at(ARROW - wing, -wing)];
  return node('polyline', { class: 'shape tripwire current', points: points.join(' ') });
}
