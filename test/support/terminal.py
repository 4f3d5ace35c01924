"""Runs a program on a pseudo-terminal, as a person at a keyboard sees it.

Arguments: a JSON list of [what to wait for, what to type then], and the command. Prints JSON: what was on the screen, the
exit status, and whether the terminal echoes again afterwards.
"""

import json
import os
import pty
import select
import sys
import termios
import time

LIMIT_S = 30

steps = json.loads(sys.argv[1])
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])

screen = b""
seen = 0
echoes = True
end = time.monotonic() + LIMIT_S
while time.monotonic() < end:
    ready, _, _ = select.select([terminal], [], [], 0.1)
    if ready:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            piece = b""
        if not piece:
            break
        screen += piece
    if steps and steps[0][0].encode() in screen[seen:]:
        seen = len(screen)
        os.write(terminal, steps.pop(0)[1].encode())
    try:
        echoes = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
    except termios.error:
        pass
else:
    os.kill(child, 9)
_, status = os.waitpid(child, 0)
json.dump(
    {"screen": screen.decode(), "status": os.waitstatus_to_exitcode(status), "echoes": echoes, "left": len(steps)},
    sys.stdout,
)
