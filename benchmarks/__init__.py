"""The fair comparison: tasks x methods x metrics. BENCHMARKS names them; the command line and the README read it."""

from benchmarks import editing, fidelity, inversion, speed

#: Name -> what it measures.
BENCHMARKS: dict[str, str] = {
    "speed": "eval forward against the textbook formulation, alternating in one run",
    "reconstruction": "inversion of unseen portraits: MSE, PSNR, perceptual, identity, seconds",
    "editing": "score gain and where the pixels change, for each attribute at strength 1",
    "fidelity": "Frechet distance beside its floor, mask agreement, attribute rates",
}

__all__ = ["BENCHMARKS", "editing", "fidelity", "inversion", "speed"]
