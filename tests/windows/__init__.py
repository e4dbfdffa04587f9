"""The tests on a Windows Python under Wine: `python -m tests.windows` builds it, runs them, and reports.

Wine stands in for Windows: its file system, processes and consoles are Wine's. Needs the Debian packages in `PEERS`.
"""

PEERS = ("wine", "wine64", "gcc-mingw-w64-x86-64")
