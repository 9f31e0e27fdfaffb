"""Pictures outside what a model knows: how that is seen, and which model, and which file, would do."""

from semedit.checkpoints import zoo
from semedit.editing.model import Model


def is_outside(model: Model, psnr: float | None) -> bool:
    """Whether a reconstruction of ``psnr`` dB says that its picture lies outside the model's domain; no if unknown."""
    return psnr is not None and psnr < model.domain.poor_psnr


def warning(model: Model, psnr: float) -> str:
    """What is said of a picture outside the model's domain: how poor its reconstruction is, and what would do."""
    return (
        f"This picture lies outside what '{model.name}' knows: {psnr:.1f} dB, where its own domain "
        f"({model.domain.name}) gives {model.domain.poor_psnr:.0f} dB or more. Edits will not look like the original. "
        f"{advice(model)}"
    )


def advice(model: Model) -> str:
    """Which model of another kind of picture is at hand, or which file would make one, with the commands."""
    own = model.domain.name
    here = [f"--model {entry.name} ({entry.domain})" for entry in zoo.entries().values() if entry.domain != own]
    if here:
        return f"Models of other pictures that are here: {', '.join(here)}."
    brought = [(name, *facts) for name, facts in zoo.OFFICIAL.items() if facts[1] != own]
    if not brought:
        return "No model of other pictures is here; 'semedit models list' shows them."
    name, file, domain = brought[0]
    return (
        f"For {domain}: get {file} from its authors, then 'semedit models add {name} --file {file}' and --model {name}."
    )
