"""Who scores what an edit of an attribute did, of all that a model has."""

from semedit.domains.judges import ScorerPanel, attribute_panel, clip_panel
from semedit.editing.model import Model
from semedit.errors import MissingWeights
from semedit.metrics.prompts import PromptScorer


def judges_of(model: Model, attr: str) -> ScorerPanel | None:
    """The judge of an attribute, beside the scorer that its editors were learnt from (:meth:`Model.scorer`).

    None where nothing scores it.
    """
    try:
        if attr in model.domain.attribute_names:
            return attribute_panel(model.domain, model.device)
        scorer = model.scorer(attr)
        if not isinstance(scorer, PromptScorer):
            return None
        prompts = scorer.prompts
        return clip_panel(model.domain, model.device).each(lambda clip: PromptScorer(clip, attr, prompts))
    except MissingWeights:
        return None
