"""Run the comparison; see `command`."""

import sys

from quality.defaults.command import main

main(sys.argv[1:])
