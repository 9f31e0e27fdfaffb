"""Pixels in and out: reading, tensors, sheets, alignment, pasting back, video."""
