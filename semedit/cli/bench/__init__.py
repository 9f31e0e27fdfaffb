"""``semedit bench``: measured figures."""
