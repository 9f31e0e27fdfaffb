"""Training of the classifier of face attributes."""
