# SPDX-License-Identifier: MIT
"""CPython with faulthandler and modules.

faulthandler_host.py first|last: faulthandler.enable() before or after init().
"""

import ctypes
import faulthandler
import gc
import os
import sys
import threading
from ctypes import c_int, c_void_p

import modiso

libc = ctypes.CDLL(None)


def use(good, bad, mine, host):
    assert good(mine, 1, 10) == mine.base
    try:
        bad(host, 1, 10)
    except modiso.Fault:
        return
    sys.exit("no fault")


def dies_of_a_fault_of_its_own():
    """faulthandler still tells of it."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(write, 2)
        ctypes.string_at(8)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == 11, status
    assert "Fatal Python error: Segmentation fault" in text, text
    assert "dies_of_a_fault_of_its_own" in text, text


def main(when):
    if when == "first":
        faulthandler.enable()
    modiso.init()
    module = modiso.Module("m")
    mine, host = module.region(4096), modiso.host_region(4096)
    types = c_void_p, [c_void_p, c_int, c_int]
    good = bad = module.gate(libc.memset, *types)
    if when == "last":
        use(good, bad, mine, host)
        faulthandler.enable()
        # A gate that is made is when the library looks.
        good = bad = module.gate(libc.memset, *types)
    use(good, bad, mine, host)

    def work():
        for _ in range(50):
            use(good, bad, mine, host)
            gc.collect()
        modiso.thread_detach()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    dies_of_a_fault_of_its_own()
    use(good, bad, mine, host)
    module.destroy()
    host.destroy()
    modiso.fini()


main(sys.argv[1])
