"""Local methods against true changes with exact masks: change outside a region against change inside, at equal gain."""

from benchmarks.exact.answers import Answer, edit_answers, transfer_answers
from benchmarks.exact.curves import ExactCurve, measure
from benchmarks.exact.questions import Question, taking, turning

__all__ = [
    "Answer",
    "ExactCurve",
    "Question",
    "edit_answers",
    "measure",
    "taking",
    "transfer_answers",
    "turning",
]
