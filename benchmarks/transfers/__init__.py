"""How local it is to take a region over from a reference, by each method: errors, distances of sets, heat maps."""

from benchmarks.transfers.curves import QUERIES, Sweep, TransferCurve, curves, draw, rows, sweeps
from benchmarks.transfers.protocol import COUNT, MAP_COUNT, MIXING, REGIONS, SET_COUNT, TransferRow, table
from benchmarks.transfers.sets import distances, heat_map, heat_sheet

__all__ = [
    "COUNT",
    "MAP_COUNT",
    "MIXING",
    "QUERIES",
    "REGIONS",
    "SET_COUNT",
    "Sweep",
    "TransferCurve",
    "TransferRow",
    "curves",
    "distances",
    "draw",
    "heat_map",
    "heat_sheet",
    "rows",
    "sweeps",
    "table",
]
