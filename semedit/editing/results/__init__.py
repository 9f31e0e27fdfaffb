"""The output folder: what is written there of inversions and edits, and found again."""
