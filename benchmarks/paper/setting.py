"""What a report is made of: models, data, how much of everything, and where it is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from torch import Tensor

from benchmarks.paper.cells import Absent
from semedit.config import Config
from semedit.data.collection import picture_files
from semedit.editing.model import Model
from semedit.errors import ConfigError, SemeditError
from semedit.pictures.captions import captioned
from semedit.pictures.sheets import save_picture, sheet
from semedit.pictures.tensors import enlarge, fit, to_picture

#: Folders of a prepared CelebAMask-HQ: what was trained on, and what was held out.
TRAIN, HELD_OUT = "image_train", "image_val"
#: Side in px of the largest picture of a sheet.
LARGEST = 256
Progress = Callable[[int, int], None]


class Budget(Config):
    """How much of everything is measured; the defaults are the papers'."""

    noun: ClassVar[str] = "budget"

    samples: int = Field(50_000, ge=10, description="samples of each generator that sets are compared by")
    inversions: int = Field(2_000, ge=1, description="held-out pictures that are inverted")
    edits: int = Field(1_000, ge=2, description="pictures that every curve is measured on")
    shown: int = Field(6, ge=1, description="pictures, or rows of pictures, of a grid")
    words: int | None = Field(None, ge=1, description="steps of a search by words; None: the editor's own")
    background: int = Field(300, ge=1, description="steps in which a background is inverted into features")
    style_samples: int = Field(5_000, ge=8, description="samples that a direction of style space is learnt from")
    sets: int = Field(50_000, ge=2, description="pictures of each set that local edits are judged by")
    maps: int = Field(500, ge=1, description="pairs behind each heat map")
    pairs: int = Field(500, ge=2, description="pairs of target and reference behind curves of transfers")
    timed: int = Field(20, ge=1, description="runs of each forward pass that is timed")
    timed_size: int = Field(512, ge=64, description="side in px of the generator that is timed")


#: Named budgets: the papers' counts, and one of under 45 minutes on two cores.
BUDGETS = {
    "full": Budget(),
    "small": Budget(
        samples=2_000,
        inversions=64,
        edits=48,
        shown=4,
        background=120,
        style_samples=512,
        sets=500,
        maps=48,
        pairs=24,
        timed=3,
    ),
}


@dataclass(frozen=True)
class Figure:
    """A picture of the report: its file below the report's folder, and what it shows."""

    file: str
    caption: str


@dataclass(frozen=True)
class Rival:
    """Another generator under the same protocols, or why there is none."""

    model: Model | None
    absent: Absent

    def need(self) -> Model:
        """The model. Raises NotThere, which says what is missing."""
        if self.model is None:
            raise NotThere(self.absent)
        return self.model


class NotThere(SemeditError):
    """Something that a part needs and that is not there; ``absent`` says what, and what would bring it."""

    def __init__(self, absent: Absent):
        self.absent = absent
        super().__init__(absent.reason)


@dataclass(frozen=True)
class Setting:
    """A report's ingredients. ``data`` is a folder of aligned pictures, None where the domain draws its own.

    ``rivals`` are other generators by name; ``adapted`` a generator that was fine-tuned to another kind of picture.
    """

    model: Model
    folder: Path
    budget: Budget = BUDGETS["small"]
    data: Path | None = None
    rivals: dict[str, Rival] | None = None
    adapted: Rival | None = None

    @property
    def drawn(self) -> bool:
        """Whether pictures are drawn: the figures are then of drawn pictures, not of the papers' photographs."""
        return self.model.domain.draw is not None

    def rival(self, name: str) -> Model:
        """Another generator. Raises NotThere."""
        found = (self.rivals or {}).get(name)
        if found is None:
            raise NotThere(
                Absent(f"no {name} of {self.model.domain.name} is here", f"{self.command()} --rival {name}=MODEL")
            )
        return found.need()

    def command(self, part: str = "") -> str:
        """The command that makes this report, or a part of it, with its own data."""
        words = ["semedit bench paper", f"--domain {self.model.domain.name}", *([f"--only {part}"] if part else [])]
        return " ".join(words)

    def counterpart(self, part: str) -> Absent:
        """Why a published figure of photographs has none here."""
        if self.drawn:
            return Absent(
                "the paper's figure is of photographs, and this report of drawn pictures",
                f"semedit bench paper --domain faces --only {part} --model MODEL --data CELEBAMASK-HQ",
            )
        return Absent("not measured by this protocol", self.command(part))

    def held_out(self, count: int) -> list[Path]:
        """The last ``count`` held-out pictures, in the order of their numbers. Raises NotThere without data."""
        files = sorted(picture_files(self._folder(HELD_OUT)), key=number_of)
        return files[-count:]

    def training_pictures(self) -> Path:
        """The folder of the pictures that were trained on. Raises NotThere without data."""
        return self._folder(TRAIN)

    def _folder(self, name: str) -> Path:
        if self.data is None:
            raise NotThere(Absent("pictures of this domain have to be brought", f"{self.command()} --data DIR"))
        if not self.data.is_dir():
            raise ConfigError(f"{self.data}: no such folder of pictures")
        split = any((self.data / part).is_dir() for part in (TRAIN, HELD_OUT))
        folder = self.data / name if split else self.data
        if not folder.is_dir():
            raise NotThere(Absent(f"{folder} is missing", "semedit data prepare celebamask RAW --out DIR"))
        return folder

    def show(self, part: str, name: str, pictures: Tensor, columns: int, caption: str, side: int = 160,
             heads: Sequence[str] = (), rows: Sequence[str] = ()) -> Figure:  # fmt: skip
        """Pictures (B, 3, H, W) as a sheet of the report: small ones enlarged to about ``side`` px, large shrunk.

        ``heads`` stand above the columns, the names of the ``rows`` on their left.
        """
        file = f"pictures/{part}-{name}.png"
        shown = fit(pictures.detach().float().cpu(), min(pictures.shape[-1], LARGEST))
        grown = enlarge(shown, max(1, round(side / shown.shape[-1])))
        picture = captioned(to_picture(sheet(grown, columns=columns)), heads, rows, grown.shape[-1])
        save_picture(picture, self.folder / file)
        return Figure(file, caption)


def number_of(path: Path) -> tuple[int, str]:
    """A key that orders 9.jpg before 10.jpg.

    >>> sorted([Path("10.jpg"), Path("9.jpg"), Path("a.jpg")], key=number_of)[1].name
    '10.jpg'
    """
    return (int(path.stem), "") if path.stem.isdigit() else (1 << 62, path.stem)


def difference(a: Tensor, b: Tensor) -> Tensor:
    """Where two batches of pictures (B, 3, H, W) in [-1, 1] differ, as pictures: white where they do not, black from a
    mean difference of half the range on."""
    change = (a - b).detach().abs().mean(1, keepdim=True).clamp(max=1)
    return (1 - 2 * change).expand(-1, 3, -1, -1)
