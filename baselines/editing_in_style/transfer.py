"""Taking a part over from a reference: the style code of the target, interpolated channel by channel."""

from collections.abc import Sequence

from torch import Tensor

from baselines.editing_in_style.queries import interpolate
from baselines.stylegan2 import StyleCode
from semedit.errors import LatentError


def transfer_styles(target: StyleCode, reference: StyleCode, queries: Sequence[Tensor]) -> StyleCode:
    """The target's code with the queried channels of the references' (equation 3), one target for all or one for each.

    ``queries``: q (C_i,) of each convolution; the RGB heads stay the target's, of which the paper says nothing, unless
    queries follow for them too. Raises LatentError for another number of queries.
    """
    reference.check_widths(target.conv_widths, target.rgb_widths)
    if len(queries) not in (len(target.conv), len(target.entries)):
        wanted = f"{len(target.conv)} or, with the RGB heads, {len(target.entries)}"
        raise LatentError(f"{len(queries)} queries for a code of {wanted}")
    changed = [interpolate(a, b, q) for a, b, q in zip(target.entries, reference.entries, queries, strict=False)]
    kept = [entry.expand(len(reference), -1) for entry in target.entries[len(changed) :]]
    entries = (*changed, *kept)
    return StyleCode(entries[: len(target.conv)], entries[len(target.conv) :])
