"""Domains: the kinds of picture that a model can be of. One registry, read by the CLI, the tests and the README."""

from semedit.domains.base import Domain
from semedit.domains.faces import FACES
from semedit.domains.portraits.domain import PORTRAITS
from semedit.errors import UnknownName

DOMAINS: dict[str, Domain] = {domain.name: domain for domain in (PORTRAITS, FACES)}


def domain(name: str) -> Domain:
    """The domain called ``name``; UnknownName if there is none."""
    if name not in DOMAINS:
        raise UnknownName("domain", name, DOMAINS)
    return DOMAINS[name]


__all__ = ["DOMAINS", "Domain", "domain"]
