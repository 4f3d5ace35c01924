/** A camera that the kernel makes up (`vivid`), opened by the sandboxed service as the configuration names it. */

import { waitFor } from '../../../test/support/wait.ts';
import { expect, PATIENCE, reconfigure, type Step } from './context.ts';

/** Without a model: nothing is looked for until a bundle of that name serves, but frames are captured. */
const CAMERA = {
  name: 'made-up',
  source: { type: 'usb', device: '/dev/video0', format: 'raw' },
  resolution: { width: 640, height: 360 },
  fps: 5,
  model: { bundle: 'nobody-has-it' },
};

export const camera: Step = async (context) => {
  const { guest, note } = context;
  const plugins = await guest.run('ls /usr/lib/*/gstreamer-1.0/libgstvideo4linux2.so 2>/dev/null || true');
  if (plugins === '') return note('this image was built without cameras');
  await guest.run('modprobe vivid n_devs=1 && until [ -c /dev/video0 ]; do sleep 1; done');
  await reconfigure(context, { cameras: [CAMERA] });
  const metrics =
    'bash -c \'exec 3<>/dev/tcp/127.0.0.1/8470; printf "GET /metrics HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n" >&3; cat <&3\'';
  const counted = async () => {
    const text = await guest.run(`${metrics} | grep ^vigie_camera_frames_total || true`);
    return [...text.matchAll(/ (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
  };
  const frames = await waitFor(
    'frames of the camera',
    async () => (await counted()) > 10 && counted(),
    PATIENCE,
  );
  expect(frames > 10, `${frames} frames`);
  note(`${frames} frames of /dev/video0 reached the vision process`);
  note(await guest.run('systemctl show vigie.service -p DeviceAllow,MemoryCurrent'));
};
