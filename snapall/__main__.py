"""`python -m snapall`: the same as the command snapall."""

from snapall.cli import main

main()
