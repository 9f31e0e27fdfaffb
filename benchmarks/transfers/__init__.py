"""How local it is to take a region over from a reference, by each method: errors, distances of sets, heat maps."""

from benchmarks.transfers.curves import QUERIES, Sweep, TransferCurve, curves, draw, rows, sweeps
from benchmarks.transfers.protocol import COUNT, MAP_COUNT, MIXING, REGIONS, SET_COUNT, TransferRow, table
from benchmarks.transfers.sets import (
    OWN,
    ComparedSet,
    TakenSet,
    distances,
    error_heat_map,
    fixed_base,
    heat_map,
    heat_sheet,
)

__all__ = [
    "COUNT",
    "MAP_COUNT",
    "MIXING",
    "OWN",
    "QUERIES",
    "REGIONS",
    "SET_COUNT",
    "ComparedSet",
    "Sweep",
    "TakenSet",
    "TransferCurve",
    "TransferRow",
    "curves",
    "distances",
    "draw",
    "error_heat_map",
    "fixed_base",
    "heat_map",
    "heat_sheet",
    "rows",
    "sweeps",
    "table",
]
