"""SemanticStyleGAN's figure 11: three prompts in sequence, by StyleCLIP's optimisation."""

from functools import partial
from typing import Any

import torch

from benchmarks.paper.cells import Measure
from benchmarks.paper.part import Made, PaperPart, named
from benchmarks.paper.setting import Progress, Setting
from directions import StyleClip
from semedit.domains.judges import clip_panel

#: The paper's prompts, and the regions that a user would choose for each.
PROMPTS = {
    "a person with brown skin": "skin,nose,ears,neck",
    "a person with purple long hair": "hair",
    "a person with blue eyes": "eyes",
}
GENERATORS = {"StyleGAN2": "stylegan2", "SemanticStyleGAN": None}


def make(setting: Setting, name: str, progress: Progress) -> Made:
    """Each prompt starts from what the one before it made; the first from the mean code. A generator without regions
    is edited whole."""
    rival = GENERATORS[name]
    model = setting.rival(rival) if rival else setting.model
    judges = clip_panel(model.domain, model.device)
    clip = judges.guide.network if judges.guide else judges.first.network
    latent = model.generator.latent(model.generator.mean_w())
    pictures, measures, options = [model.synthesise(latent).image.cpu()], [], []
    for index, (prompt, regions) in enumerate(PROMPTS.items()):
        wanted: dict[str, Any] = {"steps": setting.budget.words} if setting.budget.words else {}
        editor = StyleClip.of_model(model, prompt, clip, progress=partial(_told, progress, index), **wanted)
        options = [f"{key} {value}" for key, value in editor.config.to_json().items() if value]
        shown = pictures[-1].to(model.device)
        before = [one.network.similarity(shown, (prompt,)).item() for one in judges]
        latent = editor.edit(latent, 1.0, "all" if rival else regions)
        pictures.append(model.synthesise(latent).image.cpu())
        for one, start in zip(judges, before, strict=True):
            gain = one.network.similarity(pictures[-1].to(model.device), (prompt,)).item() - start
            measures.append(
                Measure(row=name, column=prompt, value=gain, n=1, protocol=f"gain of cosine, {one.protocol}")
            )
    asked = "; ".join(PROMPTS)
    caption = f"{name}: the mean face, then in sequence: {asked}. Options: {', '.join(options)}."
    return Made(
        measures,
        [setting.show("ssg.f11", name, torch.cat(pictures), len(pictures), caption, 256, ["mean face", *PROMPTS])],
    )


def _told(progress: Progress, index: int, done: int, total: int) -> None:
    """The steps of one search as a part of all."""
    progress(index * total + done, len(PROMPTS) * total)


PART = PaperPart("ssg.f11", "Edits by words, in sequence", "Shi et al. 2022, figure 11", named(*GENERATORS), make)
