"""``python -m kernel_sandbox``."""

import sys

from kernel_sandbox.cli import main

sys.exit(main())
