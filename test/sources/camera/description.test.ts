import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadProfile, shippedProfiles } from '../../../runtime/config/device-profile/load.ts';
import { describePipeline } from '../../../runtime/sources/camera/description.ts';
import { camera } from '../../support/cameras.ts';

const pi = loadProfile('raspberry-pi-5');
const text = (config: object, more: object = {}) =>
  describePipeline({ camera: camera(config), profile: pi, ...more }).pipeline;

test('ribbon and USB cameras take the pipeline of the board, filled in', () => {
  const csi = text({ source: { type: 'csi', sensor: '/base/soc/i2c0mux/i2c@1/imx708@1a' }, fps: 30 });
  assert.match(csi, 'libcamerasrc camera-name="/base/soc/i2c0mux/i2c@1/imx708@1a"');
  assert.match(csi, 'width=1280,height=720,framerate=30/1');
  const usb = text({
    source: { type: 'usb', device: '/dev/video2' },
    resolution: { width: 640, height: 480 },
  });
  assert.match(usb, 'v4l2src device="/dev/video2"');
  assert.match(usb, 'width=640,height=480,framerate=15/1');
  for (const profile of shippedProfiles()) {
    const options = { camera: camera({ source: { type: 'usb' } }), profile };
    assert.not.match(describePipeline(options).pipeline, /[{}]/);
  }
});

test('a Jetson reads its sensor through Argus', () => {
  const profile = loadProfile('jetson-nano');
  const { pipeline } = describePipeline({ camera: camera({ source: { type: 'csi', sensor: 1 } }), profile });
  assert.match(pipeline, /nvarguscamerasrc sensor-id="1" .* nvvidconv/);
});

test('a board without ribbon cameras refuses one by name', () => {
  const profile = loadProfile('generic-x86-64');
  const options = { camera: camera({ source: { type: 'csi' } }), profile };
  assert.throws(
    () => describePipeline(options),
    (error: { code: string; message: string }) => {
      return error.code === 'camera-unsupported' && error.message.includes("camera 'gate'");
    },
  );
});

test('a USB camera may be told what to send', () => {
  assert.match(text({ source: { type: 'usb', format: 'raw' } }), 'video/x-raw,width=1280');
  assert.match(
    text({ source: { type: 'usb', format: 'mjpeg' } }),
    'image/jpeg,width=1280,height=720,framerate=15/1 ! jpegdec',
  );
});

test('what a user wrote is quoted and never read as a template', () => {
  const source = { type: 'rtsp', url: 'rtsp://10.0.0.9/{fps}', user: 'me', passwordFile: '/s' };
  const rtsp = text({ source }, { password: 'a "b" ! \\ {width}' });
  assert.match(rtsp, 'location="rtsp://10.0.0.9/{fps}"');
  assert.match(rtsp, 'user-pw="a \\"b\\" ! \\\\ {width}"');
  assert.match(rtsp, 'protocols=tcp latency=200');
});

test('streams and files keep their size unless another is asked for', () => {
  const source = { type: 'file', file: '/a b/c.mp4' };
  assert.not.match(text({ source }), 'videoscale');
  assert.match(
    text({ source, resolution: { width: 320, height: 240 } }),
    'width=320,height=240,pixel-aspect-ratio=1/1',
  );
});

test('files play at their own speed and begin anew; nothing else does', () => {
  const of = (source: object) => describePipeline({ camera: camera({ source }), profile: pi });
  assert.equal(
    [of({ type: 'file', file: 'x.gif' }).paced, of({ type: 'file', file: 'x.gif' }).loop],
    [true, true],
  );
  assert.is(of({ type: 'file', file: 'x.gif', loop: false }).loop, false);
  assert.equal([of({ type: 'test' }).paced, of({ type: 'test' }).loop], [false, false]);
});

test('a rotation is added to any of them, also to an own pipeline', () => {
  assert.ok(text({ rotation: 90 }).endsWith('! videoflip video-direction=90r'));
  assert.ok(
    text({ rotation: 270, pipeline: 'foosrc num={fps}' }).startsWith(
      'foosrc num=15 ! videoflip video-direction=90l',
    ),
  );
});

test.run();
