"""Pictures on disk with a table of their factors as a teacher."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from semedit.data.collection import Collection, open_collection, prepare
from semedit.data.label_map import LabelMap
from semedit.data.lessons import Lessons
from semedit.errors import ConfigError
from semedit.networks.generator import GeneratorConfig
from semedit.networks.style_based import StyleBasedConfig
from semedit.storage.content import read_text


@dataclass(frozen=True)
class FactorTable:
    """Factors of pictures: ``names`` of the factors, ``pictures`` (base names), ``values`` (N, K)."""

    names: tuple[str, ...]
    pictures: tuple[str, ...]
    values: Tensor

    @classmethod
    def read(cls, path: str | Path) -> "FactorTable":
        """A CSV file whose first column names pictures (with or without ending) and whose others are numbers.

        Raises ConfigError, naming the line, for anything else.
        """
        path = Path(path)
        try:
            header, *lines = list(csv.reader(io.StringIO(read_text(path, ConfigError), newline="")))
            values = [[float(cell) for cell in line[1:]] for line in lines]
        except (ValueError, csv.Error) as error:
            raise ConfigError(f"{path}: a table of numbers below a line of names is wanted ({error})") from None
        for number, row in enumerate(values, start=2):
            if len(row) != len(header) - 1 or not all(np.isfinite(row)):
                raise ConfigError(f"{path}, line {number}: {len(header) - 1} finite numbers are wanted")
        if len(values) < 2 or len(header) < 2:
            raise ConfigError(f"{path}: at least two pictures and one factor are wanted")
        return cls(tuple(header[1:]), tuple(Path(line[0]).stem for line in lines), torch.tensor(values))

    def coordinates(self) -> Tensor:
        """Normal scores (N, K): each factor's rank among the pictures, through the normal quantile function.

        Equal values share an interval of ranks, in an order that is drawn once.
        """
        count = len(self.values)
        shuffled = torch.randperm(count, generator=torch.Generator().manual_seed(0))
        ranks = torch.empty_like(self.values)
        for k, column in enumerate(self.values.unbind(1)):
            order = shuffled[column[shuffled].argsort(stable=True)]
            ranks[order, k] = torch.arange(count, dtype=ranks.dtype)
        return torch.special.ndtri((ranks + 0.5) / count)

    def at(self, coordinates: Tensor) -> Tensor:
        """The factors (B, K) that normal scores (B, K) stand for: each column's quantile function."""
        count = len(self.values)
        place = torch.special.ndtr(coordinates) * count - 0.5
        low = place.floor().clamp(0, count - 1)
        ordered = self.values.to(coordinates.device).sort(0).values
        a = ordered.gather(0, low.long())
        b = ordered.gather(0, (low + 1).clamp(max=count - 1).long())
        return torch.lerp(a, b, (place - low).clamp(0, 1))


class TableTeacher:
    """Pictures on disk whose factors are known: each factor is a coordinate of z, by its rank among the pictures.

    ``path`` holds pictures and label maps, ``table`` their factors. Codes are the same in all rows, since nobody knows
    which region shows what. Every twentieth picture is kept for measuring. Raises ConfigError for more factors than
    z has room for, or pictures without a line in the table.
    """

    KEPT = 20

    def __init__(self, path: str | Path, table: str | Path, labels: LabelMap, student: StyleBasedConfig):
        self.collection: Collection = open_collection(path, student.size, labelled=True)
        self.path, self.table, self.labels, self.student = Path(path), FactorTable.read(table), labels, student
        width, factors = student.style_dim, len(self.table.names)
        if factors >= width:
            raise ConfigError(f"{factors} factors do not fit into codes of width {width}")
        scores = self.table.coordinates()
        filler = torch.randn(len(scores), width - factors, generator=torch.Generator().manual_seed(0))
        left = (width - scores.square().sum(1, keepdim=True)).clamp(min=1e-3).sqrt()
        codes = torch.cat([scores, filler * left / filler.norm(dim=1, keepdim=True)], dim=1)
        self.codes = dict(zip(self.table.pictures, codes, strict=True))

    @property
    def key(self) -> str:
        return f"table {self.path.resolve()} {self.table.names} {len(self.collection)} at {self.student.size} px"

    def lessons(self, count: int, seed: int, held_out: bool = False) -> Lessons:
        """``count`` pictures at random, of those kept for measuring or of the others."""
        index = torch.arange(len(self.collection))
        chosen = index[(index % self.KEPT == 0) == held_out]
        draws = torch.randint(len(chosen), (count,), generator=torch.Generator().manual_seed(seed))
        images, labels, codes = [], [], []
        for i in chosen[draws].tolist():
            pair = self.collection.read(i)
            image, label = prepare(pair, self.student.size, self.labels)
            code = self.codes.get(Path(pair.name).stem)
            if code is None or label is None:
                raise ConfigError(f"{pair.name}: no line of the table of factors is about this picture")
            images.append(image)
            labels.append(label.byte())
            codes.append(code)
        own = self.student
        number = own.base_layers + 2 * own.regions if isinstance(own, GeneratorConfig) else 1
        rows = torch.zeros(count, number, dtype=torch.bool)
        z, maps = torch.stack(codes), torch.stack(labels)
        return Lessons(torch.stack(images), maps, maps, z, z, rows)

    def targets(self, codes: Tensor) -> Tensor:
        """The factors (B, K) of z (B, D)."""
        scaled = codes * torch.rsqrt(codes.square().mean(1, keepdim=True) + 1e-8)
        return self.table.at(scaled[:, : len(self.table.names)])
