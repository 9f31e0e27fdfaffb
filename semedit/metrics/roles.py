"""What a domain's network is there for: to guide what is learnt and searched for, or to judge what came of it."""

from semedit.errors import UnknownName

#: Labels samples and stands in losses; or scores, and nothing learns from it.
GUIDE, JUDGE = "guide", "judge"
ROLES = (GUIDE, JUDGE)


def suffix(role: str) -> str:
    """What a role adds to the name of a network, in protocol ids and file names. Raises UnknownName."""
    if role not in ROLES:
        raise UnknownName("role", role, ROLES)
    return "" if role == GUIDE else f"-{role}"


def file_name(kind: str, role: str = GUIDE) -> str:
    """The file of a domain's network: "clip.safetensors", "clip-judge.safetensors". Raises UnknownName."""
    return f"{kind}{suffix(role)}.safetensors"
