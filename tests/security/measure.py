"""Run a program and write down what it took: `python measure.py REPORT PROGRAM ARGUMENTS…`. The exit code is passed on.

Stands between the web process and the program that reads uploads, in the tests alone. Needs nothing but Python.
"""

import json
import os
import sys
import time
from pathlib import Path

report, *command = sys.argv[1:]
started = time.monotonic()
child = os.posix_spawn(command[0], command, os.environ)
_, status, usage = os.wait4(child, 0)
figures = {
    "seconds": time.monotonic() - started,
    "cpu": usage.ru_utime + usage.ru_stime,
    "memory": usage.ru_maxrss * 1024,
    "exit": os.waitstatus_to_exitcode(status),
    "environment": sorted(os.environ),
    "folder": sorted(path.name for path in Path.cwd().iterdir()),
}
with Path(report).open("a") as out:
    out.write(json.dumps(figures) + "\n")
sys.exit(figures["exit"] if figures["exit"] >= 0 else 128 - figures["exit"])
