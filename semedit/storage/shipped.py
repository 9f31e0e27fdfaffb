"""Where the weights lie that ship with the library."""

from pathlib import Path

SHIPPED = Path(__file__).parents[1] / "weights"
