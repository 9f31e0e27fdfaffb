"""Speed, as the ratio of two formulations timed alternately in one run, with equal results."""

from benchmarks.speed import editing, encoder, generator, memory, paths, slider, textbook, timing, training

__all__ = ["editing", "encoder", "generator", "memory", "paths", "slider", "textbook", "timing", "training"]
