"""``python -m analyst``: the command line."""

import sys

from analyst.frontends.cli import main

sys.exit(main())
