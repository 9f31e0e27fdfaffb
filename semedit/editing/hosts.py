"""StyleGAN2 generators by name or file, with their domain and the folder that they lie in: hosts of the baselines."""

from dataclasses import dataclass
from pathlib import Path

from baselines.stylegan2 import StyleGAN2Generator, load_generator
from semedit.checkpoints import zoo
from semedit.domains import Domain, domain
from semedit.storage.content import exists, shaped
from semedit.storage.weights import load_weights


@dataclass(frozen=True, eq=False)
class Host:
    """A StyleGAN2 with its domain; ``entry`` is its model's folder, None for a file."""

    generator: StyleGAN2Generator
    domain: Domain
    name: str
    entry: zoo.ModelFolder | None

    def file(self, name: str) -> Path:
        """Where a file that belongs to this generator is written: beside its model, or into the working directory."""
        return (self.entry.folder if self.entry else Path()) / name

    def renew_card(self, written: Path) -> None:
        """Put a file that has been written beside the model on its card."""
        if self.entry and written.parent == self.entry.folder:
            zoo.refresh_card(self.entry)


def open_host(name_or_path: str | Path, domain_name: str | None = None) -> Host:
    """Open a StyleGAN2 by the name of its model, or from a file, whose domain is ``domain_name`` if it does not say.

    Raises UnknownName, MissingWeights, or CheckpointError for a file of another kind.
    """
    path = zoo.generator_file(name_or_path)
    generator = load_generator(path)
    if exists(name_or_path):
        own = None if path.suffix in (".pt", ".pth") else load_weights(path).extra.get("domain")
        own = shaped(str | None, own, f"{path}: domain")  # type: ignore[arg-type]
        return Host(generator, domain(domain_name or own or "faces"), path.stem, None)
    entry = zoo.find(str(name_or_path))
    return Host(generator, domain(domain_name or entry.domain), entry.name, entry)
