"""A process of the user's with secrets in all the places a process has; told to by its stdin."""

import ctypes
import json
import os
import signal
import sys

secret = sys.argv[1].encode()
buffer = ctypes.create_string_buffer(secret)
signalled = 0


def on_signal(*_):
    global signalled
    signalled += 1


for number in (signal.SIGUSR1, signal.SIGIO):
    signal.signal(number, on_signal)
file = os.open(sys.argv[2], os.O_RDONLY)
print(json.dumps([ctypes.addressof(buffer), file]), flush=True)
for _ in sys.stdin:
    state = {
        "signals": signalled,
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "affinity": len(os.sched_getaffinity(0)),
        "traced": int(
            next(
                line for line in open("/proc/self/status") if line.startswith("TracerPid")
            ).split()[1]
        ),
        "core": __import__("resource").getrlimit(4),
    }
    print(json.dumps(state), flush=True)
