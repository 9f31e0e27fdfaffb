"""``semedit fit``: train what stands around a generator."""
