"""Seeds of what is drawn in chunks, so that a set of any size is the same however much of it is drawn at once."""

#: Chunks that a seed has room for before the next seed's begin.
STRIDE = 100_003


def chunk_seed(seed: int, chunk: int) -> int:
    """The seed of chunk number ``chunk`` of what ``seed`` draws; up to STRIDE chunks of two seeds share none.

    >>> chunk_seed(0, 7), chunk_seed(2, 7)
    (7, 200013)
    """
    return seed * STRIDE + chunk
