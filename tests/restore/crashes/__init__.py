"""Every use of a backup, killed, without power or struck by a fault at each call to the filer, then `recover`.

`python -m tests.restore.crashes` prints a table of counts, and every cell in which something did not hold. `--every N`
plays a part of it. The product's own dialects, decisions and journals work on the lab's filer, in forked processes that
die by os._exit, so that nothing of them cleans up; only the network is left out.
"""
