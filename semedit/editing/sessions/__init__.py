"""Requests carried out on many pictures: chains of edits, inversions, regions that are taken over."""
