"""However many pictures are asked for, no more than a batch of them is in memory."""

import gc
import weakref

import pytest

from benchmarks import editing, locality, reconstruction
from benchmarks.bases import SAMPLES, base_codes
from encoders.optimization import OptimizationInverter
from encoders.search import Search
from semedit.cli.main import run
from semedit.domains import domain
from semedit.domains.portraits.domain import PORTRAITS
from semedit.editing.loading import load
from semedit.editing.model import Model
from semedit.editing.requests.records import Failure
from semedit.editing.requests.request import EditRequest
from semedit.editing.results.subjects import Subject
from semedit.editing.sessions.session import EditSession
from semedit.networks.generator import SemanticGenerator
from semedit.pictures import sheets


@pytest.fixture
def alive(monkeypatch):
    """The most rendered pictures that were alive at once since it was last emptied; a list of one number a render."""
    tracked, seen = weakref.WeakSet(), []
    plain = SemanticGenerator.forward

    def counted(self, *arguments, **options):
        out = plain(self, *arguments, **options)
        gc.collect()
        tracked.add(out.image)
        seen.append(sum(len(image) for image in tracked))
        return out

    monkeypatch.setattr(SemanticGenerator, "forward", counted)
    return seen


def most(alive, call):
    alive.clear()
    call()
    return max(alive)


def test_renders_yields_batch_after_batch(small, alive):
    model = Model(small, domain("faces"))
    latent = model.sample(12, 1)
    assert most(alive, lambda: [len(part.image) for part in model.renders(latent, batch=3)]) <= 6
    assert most(alive, lambda: model.synthesise(latent, batch=3)) == 12


@pytest.fixture(scope="module")
def model():
    return load("portraits-adversarial")


def test_sample(tmp_path, monkeypatch, alive):
    """The sheet's pictures are held as copies, so many as a sheet takes; more give another sheet."""
    monkeypatch.setattr(sheets, "MOST_PIXELS", 4 * 2 * 64 * 64)

    def sample(count):
        assert run(["sample", "--model", "portraits-adversarial", "--scale", "1", "--columns", "2",
                    "--count", str(count), "--out", str(tmp_path / str(count))]) == 0  # fmt: skip

    assert most(alive, lambda: sample(40)) == most(alive, lambda: sample(24)) <= 24
    assert len(list((tmp_path / "24").glob("sheet*.png"))) == 6
    assert len(list((tmp_path / "24").glob("0000-*.png"))) == 24


def test_edit(model, tmp_path, alive):
    def edit(count):
        model.sample(count, 1).save(tmp_path / f"{count}.safetensors")
        session = EditSession(model, EditRequest(attrs=("smile",)))
        subject = Subject(tmp_path / str(count), tmp_path / f"{count}.safetensors")
        done = [one.input for one in session.edit([subject], batch=2) if not isinstance(one, Failure)]
        assert len(done) == count

    assert most(alive, lambda: edit(4)) == most(alive, lambda: edit(8)) <= 8


class Still:
    """Finds the mean code for every picture."""

    method = "still"

    def __init__(self, model):
        self.model, self.measures = (
            model,
            OptimizationInverter.for_model(model, OptimizationInverter.options()).measures,
        )

    def invert(self, images, progress=None):
        search = Search.begin(self.model.generator, images)
        codes = self.model.generator.mean_w()[:, None].repeat(len(images), self.model.generator.layout.rows, 1)
        search.note(codes)
        return search.finish(codes, self.measures.perceptual)


def test_reconstruction(model, monkeypatch, alive):
    monkeypatch.setattr(Model, "inverter", lambda self, method: Still(self))
    painted = weakref.WeakSet()
    monkeypatch.setattr(reconstruction, "CHUNK", 4)
    plain, seen = reconstruction.to_bytes, []

    def counted(images):
        out = plain(images)
        gc.collect()
        painted.add(out)
        seen.append(len(painted))
        return out

    monkeypatch.setattr(reconstruction, "to_bytes", counted)

    def bench(count):
        rows = reconstruction.reconstruction(model, count, 2, ("optimize",))
        assert all(row.n == count for row in rows)

    assert most(alive, lambda: bench(8)) == most(alive, lambda: bench(4))
    assert max(seen) <= 2


@pytest.mark.parametrize("bench", [
    locality.locality,
    lambda model, count: editing.curves(model, base_codes(model, SAMPLES, count), ("beard",), ("interfacegan",)),
])  # fmt: skip
def test_benches(model, monkeypatch, alive, bench):
    monkeypatch.setattr(locality, "CHUNK", 2)
    monkeypatch.setattr(editing, "CHUNK", 2)
    monkeypatch.setattr(editing, "DEGREES", (1.0,))
    monkeypatch.setattr("directions.probe.COUNT", 2)
    assert most(alive, lambda: bench(model, 4)) == most(alive, lambda: bench(model, 2))


def test_the_same_portraits_in_any_batch():
    pictures = list(reconstruction.unseen_pictures(PORTRAITS.draw, 32, 5))
    parts = [len(part) for part in reconstruction.batches(pictures, 2)]
    assert parts == [2, 2, 1]
