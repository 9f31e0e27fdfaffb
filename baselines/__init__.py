"""Other people's answers to the same questions. BASELINES is the registry of rival methods; none has joined yet."""

BASELINES: dict[str, type] = {}

__all__ = ["BASELINES"]
