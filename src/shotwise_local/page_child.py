"""Run a Python module in a process that ends when its parent does: `-m shotwise_local.page_child PARENT MODULE …`.

A parent that is killed cannot stop its children, and the module would keep its port.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
import time

from shotwise.limits import PARENT_CHECK_SECONDS


def main() -> None:
    """Run the module, with the rest of the command line as its arguments."""
    parent, module, *arguments = sys.argv[1:]
    threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _end_with(parent: int) -> None:
    """End this process as soon as its parent is another one, also if that is so from the start.

    A pipe from the parent would not do: what else the parent forks keeps it open. Linux alone has a signal for it.
    """
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os._exit(1)  # at once: a server that ends in good order waits for its clients first


if __name__ == "__main__":
    main()
