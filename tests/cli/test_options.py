"""Every option says what its owner says: defaults are read from configurations and functions, names from registries."""

import inspect

import pytest
import typer

from baselines import stylegan2
from baselines.editing_in_style import learn_catalogue
from baselines.stylefusion import RECIPES, SCHEDULES
from benchmarks import bases, fidelity, locality, reconstruction, transfers
from benchmarks.speed import exported
from benchmarks.speed import generator as forwards
from directions import EDITORS, learn_directions, learn_flow, study
from encoders import INVERTERS
from semedit.cli import early
from semedit.cli.bench.paper import MODELS
from semedit.cli.main import build
from semedit.data.celebamask import prepare_celebamask
from semedit.domains import DOMAINS
from semedit.domains.portraits.drawing.renderer import STYLES, render
from semedit.domains.portraits.fitting.clip import ClipFitConfig
from semedit.domains.portraits.fitting.features import FEATURES
from semedit.domains.portraits.fitting.identity import SEEDS, IdentityFitConfig
from semedit.domains.portraits.fitting.network import TrunkFitConfig
from semedit.editing.figures.compose import picture_features
from semedit.editing.loading import load
from semedit.editing.model import Model
from semedit.editing.requests.request import BLENDS, EditRequest, Pasting
from semedit.editing.sessions.inverting import invert_files
from semedit.editing.sessions.session import EditSession, take_back
from semedit.editing.sessions.transfers import TRANSFERS
from semedit.metrics.roles import ROLES, file_name
from semedit.training.gan import recipes as gan
from semedit.training.gan.config import TrainConfig
from semedit.training.teaching.recipes import COURSES


def default(function, name):
    return inspect.signature(function).parameters[name].default


def leaves(group, words=()):
    """(command's words, command) of every command."""
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "list_commands"):
            yield from leaves(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


COMMANDS = dict(leaves(typer.main.get_command(build())))
OPTIONS = {
    (words, param.name): param
    for words, command in COMMANDS.items()
    for param in command.params
    if param.name != "help"
}
FITS = {
    "fit attributes": TrunkFitConfig(), "fit features": FEATURES, "fit identity": IdentityFitConfig(),
    "fit clip": ClipFitConfig(),
}  # fmt: skip
#: The commands that train a network for a role.
FITTED = ("fit attributes", "fit features", "fit clip")
#: (command, option) -> the default that its owner has.
OWNED = {
    **{(words, name): getattr(FITS[words], name) for words in FITS for name in ("pictures", "epochs", "held_out")},
    ("fit features", "lr"): FEATURES.lr,
    **{(words, "role"): default(file_name, "role") for words in FITTED},
    ("fit directions", "chosen"): default(learn_directions, "chosen"),
    ("fit directions", "cost"): default(learn_directions, "cost"),
    ("fit directions", "space"): default(learn_directions, "space"),
    ("fit directions", "seed"): default(learn_directions, "seed"),
    ("fit flow", "epochs"): default(learn_flow, "epochs"),
    ("fit flow", "seed"): default(learn_flow, "seed"),
    ("fit catalog", "clusters"): default(learn_catalogue, "clusters"),
    ("fit catalog", "layer"): default(learn_catalogue, "size"),
    ("fit catalog", "seed"): default(learn_catalogue, "seed"),
    ("fit calibration", "method"): EditRequest.method,
    ("edit", "strength"): EditRequest.strength,
    ("edit", "method"): EditRequest.method,
    ("attributes", "method"): EditRequest.method,
    **{(words, "blend"): Pasting.how for words in ("edit", "drag")},
    **{(words, "batch"): default(EditSession.edit, "batch") for words in ("edit", "drag")},
    ("undo", "edits"): default(take_back, "edits"),
    ("invert", "batch"): default(invert_files, "batch"),
    ("sample", "psi"): default(Model.sample, "psi"),
    **{(words, "precision"): default(load, "precision") for words in ("sample", "invert", "bench reconstruction")},
    **{(words, "psi"): default(Model.sample, "psi")
       for words in ("interpolate", "components", "mix", "compose", "transfers")},
    ("compose", "steps"): default(picture_features, "steps"),
    ("draw", "style"): default(render, "style"),
    ("data prepare", "workers"): default(prepare_celebamask, "workers"),
    ("bench speed", "runs"): forwards.RUNS,
    ("models export", "runs"): default(exported.measure, "runs"),
    ("bench reconstruction", "count"): default(reconstruction.reconstruction, "count"),
    ("bench reconstruction", "batch"): default(reconstruction.reconstruction, "batch"),
    ("bench editing", "base"): default(bases.base_codes, "kind"),
    ("fit calibration", "base"): study.SAMPLES,
    ("bench fidelity", "count"): default(fidelity.fidelity, "count"),
    ("bench fidelity", "seed"): default(fidelity.fidelity, "seed"),
    ("bench transfers", "count"): transfers.COUNT,
    ("bench transfers", "map_count"): transfers.MAP_COUNT,
    ("bench locality", "count"): default(locality.locality, "count"),
    ("bench locality", "psi"): default(locality.locality, "psi"),
    **{
        key: default(load, "name_or_path")
        for key, param in OPTIONS.items()
        if "--model" in param.opts and not param.required and not param.multiple and key != ("doctor", "model")
    },
    ("bench paper", "model"): MODELS["portraits"][0],
}  # fmt: skip
#: Options that the command line alone has: where results go, how many are asked for, and how they are laid out.
ITS_OWN = {
    "out", "device", "json", "labels", "curves", "count", "columns", "scale", "keys", "frames", "fps", "samples",
    "local_samples", "size", "regions", "perceptual", "identity",
}  # fmt: skip
#: Options that the command line alone has in one command.
ALONE = {("fit identity", "role"), ("data scan", "domain"), ("models pack", "domain"), ("models info", "name"),
         ("fit attributes", "domain"), ("bench paper", "budget"), ("models export", "format")} | {
    (words, "seed") for words in ("invert", "edit", "drag", "sample", "draw", "interpolate", "components", "mix",
                                  "compose", "transfers", "fit calibration")
}  # fmt: skip


@pytest.mark.parametrize("key", OWNED, ids=" --".join)
def test_a_default_is_its_owners(key):
    assert OPTIONS[key].default == OWNED[key]


def test_no_other_option_has_a_default():
    """A new default is its owner's, listed above, or is left to the owner by None."""
    for key, param in OPTIONS.items():
        if param.default in (None, False, "", ()) or isinstance(param.default, bool) or param.required:
            continue
        assert key in OWNED or key in ALONE or key[1] in ITS_OWN, f"{' --'.join(key)} is {param.default!r}"


CHOICES = {
    ("edit", "method"): (*EDITORS, *TRANSFERS),
    ("attributes", "method"): EDITORS,
    ("fit calibration", "method"): EDITORS,
    ("invert", "method"): INVERTERS,
    **{(words, "blend"): BLENDS for words in ("edit", "drag")},
    **{(words, "invert_method"): INVERTERS for words in ("edit", "drag")},
    ("draw", "style"): STYLES,
    ("bench editing", "base"): study.BASES,
    ("fit calibration", "base"): study.BASES,
    ("fit fusion", "recipe"): RECIPES,
    ("fit fusion", "schedule"): SCHEDULES,
    ("fit identity", "role"): SEEDS,
    **{(words, "role"): ROLES for words in FITTED},
    ("adapt", "freeze_local"): TrainConfig.model_fields["freeze_local"].annotation.__args__,
}


@pytest.mark.parametrize("key", CHOICES, ids=" --".join)
def test_the_help_names_every_choice(key):
    for name in CHOICES[key]:
        assert name in OPTIONS[key].help


def test_names_that_are_told_early_are_their_owners():
    trained = {**COURSES, **gan.RECIPES, **stylegan2.COURSES, **stylegan2.RECIPES, **stylegan2.SEMANTIC_RECIPES}
    assert sorted(early.RECIPES) == sorted(trained)
    assert sorted(early.COURSES) == sorted({**COURSES, **stylegan2.COURSES})
    assert sorted(early.UNLABELLED) == sorted(stylegan2.RECIPES)
    assert sorted(early.STYLES) == sorted(STYLES) and sorted(early.DOMAINS) == sorted(DOMAINS)


def test_edit_and_drag_start_and_end_alike():
    """Where they start from, and what becomes of the result, is the same option of both."""
    for name in ("source", "mean", "go_on", "invert_method", "face", "paste", "photo", "blend", "mask", "save_mask",
                 "anyway", "strip", "batch", "seed"):  # fmt: skip
        ours, theirs = OPTIONS["drag", name], OPTIONS["edit", name]
        assert (ours.opts, ours.default, getattr(ours, "help", "")) == (theirs.opts, theirs.default, theirs.help)
