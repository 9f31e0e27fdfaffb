"""Teaching a generator by pairs of code and picture, in stages."""
