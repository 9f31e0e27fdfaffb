"""Files: written safely, opened strictly, never executed."""
