"""How much memory there is, and what asks for more than that, refused before it starts."""

from pathlib import Path

from semedit.errors import ConfigError

#: Files in which Linux says how much memory a group of processes may use, and uses.
_GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
#: Assumed where nothing tells.
UNKNOWN = 2**40


def available() -> int:
    """Bytes of main memory that can be had now: what the system has free, or what is left of this group's limit."""
    found = UNKNOWN
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        found = 1024 * int(lines["MemAvailable"].split()[0])
    except (OSError, KeyError, ValueError):
        pass
    for limit, used in _GROUPS:
        try:
            found = min(found, max(0, int(Path(limit).read_text()) - int(Path(used).read_text())))
        except (OSError, ValueError):
            continue
    return found


def check_memory(needed: float, what: str, remedy: str) -> None:
    """ConfigError with both figures where ``what`` needs more bytes than there are; ``remedy`` says what to change."""
    free = available()
    if needed > free:
        raise ConfigError(
            f"{what} needs about {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free; {remedy}"
        )
