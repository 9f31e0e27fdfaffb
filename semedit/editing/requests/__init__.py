"""What is asked of an edit, and the records of what inversions and edits came to."""
