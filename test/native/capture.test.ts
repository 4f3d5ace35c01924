/** Builds the capture code with sanitizers and runs `capture_check.cc` on real pipelines; GStreamer tells of leaked objects. */

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../runtime/core/paths.ts';
import { canCapture } from '../support/cameras.ts';
import { sanitizedProgram } from '../support/sanitized.ts';

const run = promisify(execFile);

if (canCapture()) {
  test('capture is clean under the sanitizers and leaks nothing, of ours or of GStreamer', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vigie-native-'));
    try {
      const packages = ['gstreamer-1.0', 'gstreamer-app-1.0', 'gstreamer-video-1.0'];
      const { stdout: found } = await run('pkg-config', ['--cflags', '--libs', ...packages]);
      // Headers of others are not ours to warn of.
      const gstreamer = found
        .trim()
        .replaceAll(/(^| )-I/g, '$1-isystem')
        .split(/\s+/);
      const sources = [
        'native/capture/gstreamer/*.cc',
        'native/capture/{latest_frame,frame_work}.cc',
        'native/preprocess/frame.cc',
        'test/native/capture_check.cc',
      ];
      const name = 'capture_check';
      const libraries = [...gstreamer, '-pthread'];
      const program = await sanitizedProgram({ name, sources, flags: gstreamer, libraries });
      const env = {
        ...process.env,
        // Plugins that are only looked into are looked into by another process: what they keep is not told here.
        GST_REGISTRY: join(folder, 'registry.bin'),
        GST_TRACERS: 'leaks',
        GST_DEBUG: 'GST_TRACER:7',
        // Whole stacks: without them nobody knows whose a leak is.
        ASAN_OPTIONS: 'fast_unwind_on_malloc=0',
        LSAN_OPTIONS: `suppressions=${join(packageRoot, 'test/native/capture.lsan')}:print_suppressions=0`,
      };
      const { stdout, stderr } = await run(program, { env, maxBuffer: 64 * 1024 ** 2 });
      assert.is(stdout, 'capture: all checks passed\n');
      const alive = stderr
        .split('\n')
        .filter((line) => line.includes('object-alive, ') && !line.includes('new format string'));
      assert.equal(alive, [], 'objects of GStreamer that nobody let go');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

test.run();
