"""Run the comparison; see `command`."""

import sys

from quality.frontier.command import main

main(sys.argv[1:])
