"""The library of directions: its file, its generator, its figures."""

import numpy as np
import pytest

from directions import Calibration, DirectionLibrary
from semedit.errors import LatentError, UnknownName
from tests.directions.conftest import fitted


def test_a_library_survives_its_file_and_knows_its_generator(tmp_path, small):
    direction = fitted(prompts=("a smile", "no smile")).with_local(fitted(seed=4))
    library = DirectionLibrary({"smile": direction}, small.fingerprint)
    library.record("smile", Calibration("region1", 2.5))
    library.save(tmp_path / "d.safetensors")
    again = DirectionLibrary.load(tmp_path / "d.safetensors", small.fingerprint)
    assert np.array_equal(again["smile"].direction_, library["smile"].direction_)
    assert (again["smile"].scale_, again["smile"].regions_) == (2.5, "region1") and len(again) == 1
    assert np.array_equal(again["smile"].local_.direction_, library["smile"].local_.direction_)
    assert again["smile"].prompts == ("a smile", "no smile") and again.described() == library.described()
    more = again.merged(DirectionLibrary({"bald": fitted(seed=2)}, small.fingerprint))
    assert list(more) == ["smile", "bald"] and more.cosines()["bald"]["bald"] == pytest.approx(1, abs=1e-4)
    with pytest.raises(LatentError, match="not of other"):
        DirectionLibrary.load(tmp_path / "d.safetensors", "other")
    with pytest.raises(UnknownName, match="smile"):
        again["bald"]
