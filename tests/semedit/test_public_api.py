"""The public face, and what happens when a foreign package stands in the place of one of ours."""

import subprocess
import sys

import pytest

import semedit


def test_the_public_names():
    assert set(semedit.__all__) == {"Latent", "Model", "RegionTable", "load", "load_encoder", "load_generator"}
    for name in (*semedit.__all__, "encoders", "directions", "baselines", "benchmarks"):
        assert getattr(semedit, name) is not None and name in dir(semedit)
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        semedit.lode  # noqa: B018


def test_a_foreign_package_is_reported(tmp_path):
    (tmp_path / "encoders").mkdir()
    (tmp_path / "encoders" / "__init__.py").write_text("")
    code = "import semedit; semedit.encoders"
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode != 0 and "ShadowedPackage" in result.stderr and str(tmp_path / "encoders") in result.stderr
