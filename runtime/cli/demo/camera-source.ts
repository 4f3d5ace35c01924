/** What `--camera` names: a network camera, a device, or a recording. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { DemoCamera } from '../../../simulator/demo/camera-demo.ts';
import { InputError, UsageError } from '../../core/errors.ts';

/** @throws InputError `camera-missing`; UsageError for an address that cannot be read. */
export function parseCamera(text: string): DemoCamera {
  if (/^rtsps?:\/\//.test(text)) return rtsp(text);
  if (!existsSync(text))
    throw new InputError(
      'camera-missing',
      `--camera: there is no ${text}; name a recording, a device such as /dev/video0 or an rtsp:// address`,
    );
  return text.startsWith('/dev/') ? { type: 'usb', device: text } : { type: 'file', file: resolve(text) };
}

/** User and password have keys of their own in the configuration, so that no log shows them. */
function rtsp(text: string): DemoCamera {
  const address = URL.canParse(text) ? new URL(text) : undefined;
  if (!address?.hostname)
    throw new UsageError('usage', '--camera: expected rtsp://[USER:PASSWORD@]HOST[:PORT]/PATH');
  const { username, password } = address;
  address.username = '';
  address.password = '';
  return {
    type: 'rtsp',
    url: address.href,
    ...(username ? { user: decodeURIComponent(username) } : {}),
    ...(username && password ? { password: decodeURIComponent(password) } : {}),
  };
}
