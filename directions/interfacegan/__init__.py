"""InterFaceGAN: linear directions of attributes, and the library of a generator."""

from directions.interfacegan.editor import BoundaryReport, InterFaceGAN, manipulate, project, select_extremes
from directions.interfacegan.library import DirectionLibrary

__all__ = ["BoundaryReport", "DirectionLibrary", "InterFaceGAN", "manipulate", "project", "select_extremes"]
