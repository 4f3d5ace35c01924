/** Dashboard, metrics and health over HTTP. */

import { z } from 'zod';
import { isLoopback } from '../../core/loopback.ts';
import { described, port, secretFile } from './common.ts';

export const httpConfig = z
  .strictObject({
    enabled: described(z.boolean().default(true), 'Serve the dashboard, /metrics, /healthz and /readyz.'),
    host: described(
      z.string().default('127.0.0.1'),
      'Address to listen on; anything but loopback needs a password.',
    ),
    port: described(port.default(8470), 'TCP port.'),
    username: described(
      z.string().min(1).max(64).default('vigie'),
      'User name for HTTP Basic authentication.',
    ),
    passwordFile: described(
      secretFile.optional(),
      'File or credential with the password; needed unless on loopback.',
    ),
  })
  .superRefine((http, context) => {
    if (isLoopback(http.host) || http.passwordFile) return;
    context.addIssue({
      code: 'custom',
      path: ['host'],
      message: `listening on ${http.host} needs a password: add http.passwordFile, or listen on 127.0.0.1`,
    });
  });

export type HttpConfig = z.output<typeof httpConfig>;
