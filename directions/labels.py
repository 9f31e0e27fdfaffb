"""Codes with scores to learn from: a generator's labelled samples, kept on disk as they come, or a table of one's own.

Labelling appends batch by batch and goes on where it stopped, so that neither its memory nor what an interruption costs
depends on how many samples there are.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from semedit.config import finite
from semedit.errors import ConfigError, LatentError
from semedit.latents.latent import Latent
from semedit.latents.layout import Space
from semedit.metrics.attributes import Scorer
from semedit.protocols import Bundle
from semedit.storage.atomic import make_folder, write_json
from semedit.storage.content import read_text
from semedit.storage.ownership import claiming

Array = NDArray[np.float32]
#: Samples labelled at once: the unit in which they are drawn, stored and resumed.
BATCH = 256
#: Samples that share everything but the rows of the regions that are labelled by themselves.
GROUP = 8


@dataclass(frozen=True)
class Labelled:
    """Codes (M, D) in W, or (M, S) in S, which may be mapped from a file, and the scores (M,) of each attribute."""

    codes: Array
    scores: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.codes)


class LabelStore:
    """Codes and scores of a generator's random samples, in a folder of their own below ``root``.

    ``facts`` say what they are (generator, seed, what scored them); other facts have another folder.
    """

    def __init__(self, root: str | Path, facts: Mapping[str, Any], dim: int, names: tuple[str, ...]):
        self.dim, self.names = dim, names
        self.facts = {**facts, "dim": dim, "names": list(names), "batch": BATCH}
        key = hashlib.sha256(json.dumps(self.facts, sort_keys=True).encode()).hexdigest()[:12]
        self.folder = make_folder(Path(root) / f"labels-{key}")
        with claiming(self.folder):
            write_json(self.folder / "facts.json", self.facts)

    @property
    def _files(self) -> tuple[tuple[Path, int], tuple[Path, int]]:
        """Each file with the bytes of one sample."""
        return (self.folder / "codes.f32", 4 * self.dim), (self.folder / "scores.f32", 4 * len(self.names))

    def __len__(self) -> int:
        """Samples stored, in whole batches: what an interruption left of a batch does not count."""
        complete = min(path.stat().st_size // row if path.exists() else 0 for path, row in self._files)
        return complete // BATCH * BATCH

    def append(self, codes: Array, scores: Array) -> None:
        """Add a batch behind the whole batches stored."""
        count = len(self)
        for (path, row), values in zip(self._files, (codes, scores), strict=True):
            with open(path, "r+b" if path.exists() else "wb") as file:
                file.truncate(count * row)
                file.seek(count * row)
                file.write(np.ascontiguousarray(values, np.float32).tobytes())

    def read(self, count: int) -> Labelled:
        """The first ``count`` samples, their codes mapped from the file."""
        (codes, _), (scores, _) = self._files
        table = np.memmap(scores, np.float32, "r", shape=(len(self), len(self.names)))[:count]
        if self.facts.get("regions"):
            means = np.repeat(table.reshape(-1, GROUP, table.shape[1]).mean(1), GROUP, axis=0)
            table = table - means
        columns = {name: np.array(table[:, i]) for i, name in enumerate(self.names)}
        return Labelled(np.memmap(codes, np.float32, "r", shape=(len(self), self.dim))[:count], columns)


def label_samples(model: Bundle, scorer: Scorer, count: int, seed: int, root: str | Path, regions: str | None = None,
                  progress: Callable[[int, int], None] | None = None, space: Space = "w") -> Labelled:  # fmt: skip
    """Draw ``count`` random samples, untruncated, and score their pictures; what is stored below ``root`` is kept.

    With ``regions``, groups of GROUP samples share all other rows, codes are those of the regions' rows, and scores are
    differences from the group's mean: what those rows do, whatever stands around them. ``space`` is that of the codes
    that are kept; LatentError for a generator without it.
    """
    facts = {"generator": model.generator.fingerprint, "seed": seed, "scorer": scorer.protocol, "regions": regions}
    width = model.generator.config.style_dim
    if space == "s":
        width, facts["space"] = model.generator.in_style_space(model.sample(1)).data.shape[1], space
    store = LabelStore(root, facts, width, scorer.names)
    for start in range(len(store), count, BATCH):
        own = shown = model.sample(BATCH, seed * 1_000_003 + start // BATCH, psi=1.0)
        if regions:
            around = model.sample(BATCH // GROUP, seed * 1_000_003 + start // BATCH + 500_000, psi=1.0)
            shown = around.repeat(GROUP).with_rows(own, own.rows(regions))
        kept = model.generator.in_style_space(own) if space == "s" else own
        store.append(kept.data.cpu().numpy(), scorer.score(model.synthesise(shown).image).numpy())
        if progress:
            progress(min(start + BATCH, count), count)
    return store.read(count // GROUP * GROUP if regions else count)


@torch.no_grad()
def true_labels(model: Bundle, count: int, seed: int, regions: str | None = None) -> Labelled:
    """Like :func:`label_samples`, with the attributes that the domain's law gives each code: nothing is rendered, and
    no network has a say. Raises ConfigError where nobody knows what a code should show.
    """
    generator, truth = model.generator, model.domain.truth_of(model.generator.config)
    draws = torch.Generator().manual_seed(seed)
    count = count // GROUP * GROUP
    z = torch.randn(count, generator.config.style_dim, generator=draws)
    codes = [generator.mapping(part.to(generator.device)).cpu() for part in z.split(BATCH)]
    if not regions:
        scores = torch.cat([truth.attributes(part) for part in z.split(BATCH)])
    else:
        layout, parts = generator.layout, []
        own = torch.zeros(layout.rows, dtype=torch.bool)
        own[list(generator.regions.select(regions).rows(layout.base_rows))] = True
        for part in z.split(BATCH):
            around = torch.randn(len(part) // GROUP, z.shape[1], generator=draws).repeat_interleave(GROUP, dim=0)
            mixed = torch.where(own[:, None], part[:, None], around[:, None])
            shown = truth.attributes(mixed).unflatten(0, (-1, GROUP))
            parts.append((shown - shown.mean(1, keepdim=True)).flatten(0, 1))
        scores = torch.cat(parts)
    columns = {name: scores[:, i].numpy() for i, name in enumerate(model.domain.attribute_names)}
    return Labelled(torch.cat(codes).numpy(), columns)


def read_scores(path: str | Path, model: Bundle) -> Labelled:
    """A CSV of one's own scores: a column ``latent`` with files of codes in W, and a column for each attribute.

    Files are named relative to the CSV; a picture stands for the latent of the same name beside it, as ``semedit
    sample`` writes them. An empty cell is a score that is missing (NaN). Raises ConfigError, naming the line.
    """
    path = Path(path)
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(path, ConfigError, "utf-8-sig"), newline="")))
    except csv.Error as error:
        raise ConfigError(f"{path}: cannot be read as CSV ({error})") from None
    names = [name for name in (rows[0] if rows else {}) if name and name != "latent"]
    if not rows or "latent" not in rows[0] or not names:
        raise ConfigError(f"{path}: needs a header with a column 'latent' and a column for each attribute, and rows")
    codes: list[Array] = []
    scores: dict[str, list[float]] = {name: [] for name in names}
    for line, row in enumerate(rows, 2):
        try:
            file_path = (path.parent / row["latent"]).with_suffix(".safetensors")
            latent = Latent.load(file_path)
            model.generator.check(latent)
            if latent.space != "w" or len(latent) != 1:
                raise LatentError(f"{file_path}: not one code in W, which directions are learnt from")
            codes.append(latent.data[0].numpy())
            for name in names:
                text = (row[name] or "").strip()
                scores[name].append(finite(float(text), f"the score '{name}'") if text else float("nan"))
        except (LatentError, ConfigError, ValueError, TypeError) as error:
            raise ConfigError(f"{path}, line {line}: {error}") from None
    return Labelled(np.stack(codes), {name: np.array(values, np.float32) for name, values in scores.items()})
