"""The command line: `vmlift`, or `python3 -m vmlift`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
