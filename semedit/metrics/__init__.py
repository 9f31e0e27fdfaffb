"""Measures of pictures, each with a protocol id: numbers are only compared under the same id."""
