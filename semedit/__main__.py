"""``python -m semedit``."""

import sys

from semedit.cli.main import run

if __name__ == "__main__":
    sys.exit(run())
