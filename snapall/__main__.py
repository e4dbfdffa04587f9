"""`python -m snapall`: the same as the command snapall. The stand-alone program begins here, too."""

import sys

from snapall.restart import run_module

if not run_module(sys.argv):
    from snapall.cli import main

    main()
