"""What measuring a model's pictures needs: everything that is missing, said at once and before any work."""

import torch

from semedit.domains import Domain
from semedit.domains.judges import perceptual_panel
from semedit.errors import MissingWeights
from semedit.metrics.published import command_for
from semedit.storage.found import weights_folder

#: The measures of inversions and edits.
MEASURES = ("perceptual", "identity")


def missing(domain: Domain, names: tuple[str, ...] = MEASURES) -> list[MissingWeights]:
    """What opening the networks of a domain lacks, each with its file where that is known."""
    found = []
    for name in names:
        try:
            perceptual_panel(domain, torch.device("cpu")) if name == "perceptual" else getattr(domain, name)()
        except MissingWeights as error:
            found.append(error)
    return found


def require(domain: Domain, names: tuple[str, ...] = MEASURES) -> None:
    """Open the networks of measures. Raises one MissingWeights that names all files that are not here, the one command
    that gets them, and how to do without."""
    absent = missing(domain, names)
    if not absent:
        return
    files = list(dict.fromkeys(error.file for error in absent if error.file))
    command = command_for(files) if files else ""
    if len(absent) == 1 and not command:
        raise absent[0]
    known = {error.file: f"{error.file} ({error.purpose})" for error in absent if error.file}
    others = [str(error) for error in absent if not error.file]
    wanted = ", ".join([*known.values(), *others])
    get = (
        f"'{command}' gets {'them' if len(files) > 1 else 'it'} into {weights_folder()}"
        if command
        else (f"they are looked for in {weights_folder()}")
    )
    raise MissingWeights(
        f"measuring pictures of {domain.name} needs what is not here: {wanted}. {get}; --perceptual none and "
        f"--identity none do without"
    )
