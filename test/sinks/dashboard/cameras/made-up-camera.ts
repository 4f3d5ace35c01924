/** A camera without a camera: pictures drawn from numbers, two persons that walk. */

import { drawPicture } from '../../../../runtime/addon/draw.ts';
import type {
  CameraView,
  EarlierPicture,
  ViewEvent,
  ViewFollower,
  ViewPicture,
  ViewScene,
  ViewTrack,
  ViewWish,
} from '../../../../runtime/core/camera-view.ts';
import type { Health } from '../../../../runtime/core/component.ts';
import { DeviceError } from '../../../../runtime/core/errors.ts';
import type { DetectionEvent, Stamp } from '../../../../runtime/core/messages.ts';
import { epochMillis, millis } from '../../../../runtime/core/units.ts';

const [WIDTH, HEIGHT] = [640, 360];

export class MadeUpCamera implements CameraView {
  readonly name: string;
  readonly wishes: ViewWish[] = [];
  readonly followers = new Set<ViewFollower>();
  readonly open: { event: DetectionEvent; stamp: Stamp }[] = [];
  state: Health = { state: 'ok', detail: '' };
  /** Pictures fail while it is set. */
  broken = false;
  /** Each picture shows another frame, unless it is still. */
  still = false;
  /** Padding of each picture, bytes, for slow viewers. */
  padding = 0;
  #sequence = 0;

  constructor(name = 'gate') {
    this.name = name;
  }

  health = () => this.state;
  openEvents = () => this.open;
  /** Those that are over. */
  readonly over: ViewEvent[] = [];
  earlier: EarlierPicture[] = [];
  recentEvents = () => [...this.over, ...this.open.map((one) => ({ ...one, picture: 0 }))];
  earlierPictures = () => this.earlier;
  kept = async (event: string): Promise<Uint8Array | undefined> =>
    event === 'kept-1' ? Uint8Array.of(0xff, 0xd8) : undefined;

  async picture(wish: ViewWish): Promise<ViewPicture> {
    this.wishes.push(wish);
    if (this.broken) throw new DeviceError('no-picture', 'no frame came yet', { retryable: true });
    if (!this.still) this.#sequence++;
    const { sequence, tracks } = this.scene();
    const boxes = tracks.map(({ id, box, score }) => ({
      box,
      label: `person #${id} ${Math.round(score * 100)} %`,
      colour: [255, 190, 60] as const,
    }));
    const { most, quality, mostBytes } = wish;
    const { data, width, height } = await drawPicture(street(), {
      most,
      quality,
      mostBytes,
      ...(wish.annotated ? { annotations: { boxes, line: `${this.name}  15 frames/s  detect 24 ms` } } : {}),
    });
    const jpeg = new Uint8Array(data.length + this.padding);
    jpeg.set(data);
    return { jpeg, width, height, sequence, capturedAt: millis(sequence * 100) };
  }

  zones(): readonly string[] {
    return ['approach'];
  }

  follow(follower: ViewFollower): () => void {
    this.followers.add(follower);
    return () => this.followers.delete(follower);
  }

  /** Tells everyone who follows. */
  show(): void {
    this.#sequence++;
    for (const follower of this.followers) follower.scene(this.scene());
  }

  tell(event: DetectionEvent, stamp: Stamp): void {
    for (const follower of this.followers) follower.event(event, stamp);
  }

  scene(): ViewScene {
    const at = (this.#sequence % 100) / 100;
    const track = (id: number, x: number, more: Partial<ViewTrack> = {}): ViewTrack => ({
      id,
      label: 'person',
      score: 0.87,
      box: [x, 0.3, 0.12, 0.5],
      state: 'seen',
      intrudes: [],
      ...more,
    });
    return {
      sequence: this.#sequence,
      capturedAt: millis(this.#sequence * 100),
      tracks: [
        track(1, 0.1 + at * 0.6, { intrudes: ['approach'] }),
        track(2, 0.75, { state: 'lost', score: 0.55 }),
      ],
      timing: { 'hand-over': 1.4, detect: 23.6 },
    };
  }
}

export function intrusion(id: string, phase: DetectionEvent['phase'] = 'start'): DetectionEvent {
  return {
    schema: 'vigie.detection/1',
    id,
    kind: 'intrusion',
    phase,
    camera: 'gate',
    zone: 'approach',
    track: 1,
    label: 'person',
    confidence: 0.87,
    peak: 0.91,
    box: [0.1, 0.3, 0.12, 0.5],
    enteredAgoMs: 0,
    durationMs: phase === 'start' ? 0 : 12_000,
    model: { name: 'yolox-nano', version: '1.0.0', digest: `sha256:${'0'.repeat(64)}` },
    summary:
      phase === 'end'
        ? "person left zone 'approach' of camera 'gate' after 12 s"
        : "person in zone 'approach' of camera 'gate'",
  };
}

export const stamp = (wall = Date.UTC(2026, 4, 1, 8, 0, 0)): Stamp => ({
  mono: millis(1_000_000),
  wall: epochMillis(wall),
  timeQuality: 'synced',
});

let backdrop: Uint8Array | undefined;

/** A road at dusk. */
function street() {
  backdrop ??= paint();
  return { format: 'rgb' as const, width: WIDTH, height: HEIGHT, data: backdrop };
}

function paint(): Uint8Array {
  const data = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const sky = y < HEIGHT * 0.35;
      const road = !sky && Math.abs(x - WIDTH / 2) < (y - HEIGHT * 0.2) * 0.9;
      const light = sky ? 150 - y / 3 : road ? 95 + ((x * 7 + y * 13) % 9) : 60 + ((x * 5 + y * 3) % 17);
      data.set(
        sky
          ? [light, light + 15, light + 40]
          : road
            ? [light, light, light + 4]
            : [light - 15, light + 10, light - 25],
        (y * WIDTH + x) * 3,
      );
    }
  }
  return data;
}

/** A configuration file of it. */
export const ZONES = `# The gate.
node: { site: lyon, name: pi-1 }
cameras:
  - name: gate
    source: { type: test }
    model: { manifest: person }
    detection:
      zones:
        # Everything before the fence.
        - name: approach
          polygon: [[0.1, 0.5], [0.6, 0.45], [0.8, 0.95], [0.05, 0.9]]
          dwell: 2s
        - name: street
          mode: exclude
          polygon: [[0.6, 0.05], [0.95, 0.05], [0.95, 0.35], [0.65, 0.3]]
      tripwires:
        - { name: fence, line: [[0.15, 0.35], [0.5, 0.3]], direction: left-to-right }
`;
