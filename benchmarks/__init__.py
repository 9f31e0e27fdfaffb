"""The fair comparison: tasks x methods x metrics. BENCHMARKS names them; the command line and the README read it."""

from benchmarks import editing, fidelity, locality, paper, reconstruction, speed, transfers

#: Name -> what it measures.
BENCHMARKS: dict[str, str] = {
    "speed": "eval forward, encoder or a training step, against the plainest formulation, alternating in one run",
    "reconstruction": "inversion of unseen pictures by each method: MSE, PSNR, perceptual, identity, seconds",
    "editing": "preservation-score curves of attribute edits: masked, with regions chosen, and unmasked",
    "fidelity": "Frechet distance, KID, precision, recall beside their floors; mask agreement; attribute rates",
    "locality": "share of the change inside a region when its rows are drawn anew",
    "transfers": "change inside a region against outside when it is taken over, by each method; distances, heat maps",
    "paper": "the papers retold: every table and figure, what they say beside what is measured here, as one report",
}

__all__ = [
    "BENCHMARKS",
    "editing",
    "fidelity",
    "locality",
    "paper",
    "reconstruction",
    "speed",
    "transfers",
]
