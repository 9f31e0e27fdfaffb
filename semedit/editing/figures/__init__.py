"""Pictures that show what a generator has learnt, composition, and methods of taking over side by side."""
