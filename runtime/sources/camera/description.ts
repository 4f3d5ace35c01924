/** From a camera's configuration to the GStreamer description of its pipeline: the device profile's, or the source's own. Pure. */

import type { DeviceProfile } from '../../config/device-profile/schema.ts';
import type { CameraConfig } from '../../config/schema/camera.ts';
import { DeviceError } from '../../core/errors.ts';

export interface DescriptionOptions {
  readonly camera: Pick<CameraConfig, 'name' | 'source' | 'resolution' | 'fps' | 'rotation' | 'pipeline'>;
  readonly profile: Pick<DeviceProfile, 'name' | 'camera'>;
  /** The user's password at an RTSP camera. */
  readonly password?: string | undefined;
  /** For a folder of pictures: numbered links to them, `%06d` and the ending they have. */
  readonly pictures?: string | undefined;
}

export interface Description {
  readonly pipeline: string;
  readonly paced: boolean;
  readonly loop: boolean;
}

const CAMERA_SIZE = { width: 1280, height: 720 };
const SIZE = 'width={width},height={height}';
const RATE = 'framerate={fps}/1';
/** For `video-direction`: some releases ignore `method`. */
const TURNS = { 0: '', 90: '90r', 180: '180', 270: '90l' } as const;

/** @throws DeviceError `camera-unsupported` when the board's profile has no pipeline for such a camera. */
export function describePipeline(options: DescriptionOptions): Description {
  const { camera } = options;
  const { source, rotation } = camera;
  const file = source.type === 'file';
  const turn = TURNS[rotation] && ` ! videoflip video-direction=${TURNS[rotation]}`;
  const pipeline = filled((camera.pipeline ?? template(options)) + turn, values(options));
  return { pipeline, paced: file, loop: file && source.loop };
}

/** With a placeholder for each value: what a user wrote is put in last, quoted, and never read as a template. */
function template(options: DescriptionOptions): string {
  const { source } = options.camera;
  switch (source.type) {
    case 'csi':
      return csi(options);
    case 'usb':
      return usb(source.format, options);
    case 'rtsp':
      return rtsp(source) + scaled(options);
    case 'file':
      return fileTemplate(source.file, options.pictures) + scaled(options);
    case 'test':
      return `videotestsrc is-live=true pattern=${source.pattern} ! video/x-raw,format=NV12,${SIZE},${RATE}`;
  }
}

function csi({ camera, profile }: DescriptionOptions): string {
  if (profile.camera.csi) return profile.camera.csi;
  throw new DeviceError(
    'camera-unsupported',
    `camera '${camera.name}': the device profile ${profile.name} has no pipeline for ribbon cameras; give the camera one of its own with 'pipeline'`,
  );
}

function usb(format: 'profile' | 'mjpeg' | 'raw', { profile }: DescriptionOptions): string {
  if (format === 'profile') return profile.camera.usb;
  const decoded = format === 'mjpeg' ? `image/jpeg,${SIZE},${RATE} ! jpegdec` : `video/x-raw,${SIZE},${RATE}`;
  return `v4l2src device={device} ! ${decoded} ! videoconvert`;
}

function rtsp({ user, transport, latency }: Extract<CameraConfig['source'], { type: 'rtsp' }>): string {
  const login = user === undefined ? '' : ' user-id={user} user-pw={password}';
  const settings = `protocols=${transport} latency=${Math.round(latency)} tcp-timeout=5000000 timeout=5000000`;
  // The stream may bring sound: that pad is left alone.
  const stream = `rtspsrc location={url}${login} ${settings} ! application/x-rtp,media=video ! decodebin`;
  return `${stream} ! videorate drop-only=true max-rate={fps} ! videoconvert`;
}

function fileTemplate(file: string, pictures: string | undefined): string {
  if (pictures !== undefined) {
    const png = pictures.endsWith('.png');
    // A picture that cannot be read is passed over and counted, however many there are.
    const decode = png ? 'pngdec' : 'jpegdec max-errors=-1';
    return `multifilesrc location={pictures} index=0 caps=image/${png ? 'png' : 'jpeg'},${RATE} ! ${decode} ! videoconvert`;
  }
  // decodebin passes the demuxer of gifs over, and with it the time of each picture.
  const decode = /\.gif$/i.test(file) ? 'avdemux_gif ! avdec_gif' : 'decodebin';
  return `filesrc location={file} ! ${decode} ! videorate drop-only=true max-rate={fps} ! videoconvert`;
}

/** Files and streams keep their own size unless another one is asked for. */
function scaled({ camera }: DescriptionOptions): string {
  return camera.resolution
    ? ` ! videoscale add-borders=true ! video/x-raw,${SIZE},pixel-aspect-ratio=1/1`
    : '';
}

function values({
  camera,
  password,
  pictures,
}: DescriptionOptions): Readonly<Record<string, string | number>> {
  const { source, resolution, fps } = camera;
  const common = { ...(resolution ?? CAMERA_SIZE), fps };
  switch (source.type) {
    case 'csi':
      return { ...common, sensor: quoted(source.sensor) };
    case 'usb':
      return { ...common, device: quoted(source.device) };
    case 'rtsp':
      return {
        ...common,
        url: quoted(source.url),
        user: quoted(source.user ?? ''),
        password: quoted(password ?? ''),
      };
    case 'file':
      return { ...common, file: quoted(source.file), pictures: quoted(pictures ?? '') };
    case 'test':
      return common;
  }
}

function filled(text: string, by: Readonly<Record<string, string | number>>): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(by[name] ?? whole));
}

/** A value in a description. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}
