"""The page in the browser: a desk for each person at work, which asks the library for edits, and a thin skin on it."""
