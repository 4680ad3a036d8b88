"""``python -m stdpnet`` is the command ``stdpnet``."""

import sys

from stdpnet.cli import main

if __name__ == "__main__":
    sys.exit(main())
