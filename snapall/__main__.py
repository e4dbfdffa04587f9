"""`python -m snapall`: the same as the command snapall. The stand-alone program begins here, too."""

import sys

from snapall.restart import restore_environment, run_module

restore_environment()
if not run_module(sys.argv):
    from snapall.cli import main

    main()
