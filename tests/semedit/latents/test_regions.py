"""Region selections: golden rows, and the laws of ``RegionTable.select``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semedit.errors import ConfigError, UnknownName
from semedit.latents.regions import BASE_NAME, CELEBAMASK, RegionTable, generic_regions

NAMES = [*CELEBAMASK.names, *CELEBAMASK.groups]
ITEMS = st.builds(
    lambda name, part: name + part, st.sampled_from([*NAMES, "all"]), st.sampled_from(["", ":shape", ":texture"])
)
TEXTS = st.lists(st.one_of(ITEMS, st.just(BASE_NAME)), min_size=1, max_size=5)
BASES = st.integers(0, 4)


def rows(items: list[str], base: int) -> set[int]:
    return set(CELEBAMASK.select(",".join(items)).rows(base))


@pytest.mark.parametrize("text, rows", [
    ("hair", (16, 17)), ("hair:texture", (17,)), ("hair:shape", (16,)), ("mouth", (10, 11)), ("pose", (0, 1)),
    ("face", (4, 5, 6, 7, 8, 9, 10, 11, 12, 13)), ("eyes,nose:shape", (6, 7, 12)), ("all", tuple(range(28))),
    ("hair:shape,hair:texture", (16, 17)), ("head:texture,hair", (5, 7, 9, 11, 13, 15, 16, 17)),
])  # fmt: skip
def test_rows_of_a_selection(text, rows):
    assert CELEBAMASK.select(text).rows(2) == rows


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4))
def test_shape_and_texture_rows_together_are_the_whole_selection(names):
    def rows(part: str) -> set[int]:
        return set(CELEBAMASK.select(",".join(name + part for name in names)).rows(2))

    assert rows(":shape") | rows(":texture") == rows("") and not rows(":shape") & rows(":texture")


def test_bad_selections_name_the_choices():
    with pytest.raises(UnknownName, match=r"did you mean 'hair'.*cloth"):
        CELEBAMASK.select("hiar")
    with pytest.raises(ConfigError, match="shape or texture, not 'colour'"):
        CELEBAMASK.select("hair:colour")
    with pytest.raises(ConfigError, match="no regions given"):
        CELEBAMASK.select(" , ")


def test_region_tables_survive_json_and_check_themselves():
    assert RegionTable.from_json(CELEBAMASK.to_json()) == CELEBAMASK
    assert generic_regions(13, (10, 12)) is CELEBAMASK and len(generic_regions(4, (2,))) == 4
    with pytest.raises(UnknownName):
        RegionTable(names=("a",), colours=((0, 0, 0),), transparent=("b",))


@given(TEXTS, TEXTS, BASES)
def test_a_list_is_the_union_of_its_items(some, others, base):
    assert rows(some + others, base) == rows(some, base) | rows(others, base)
    assert rows(some + some[::-1], base) == rows(some, base)


@given(TEXTS, BASES)
def test_rows_ascend_and_lie_in_the_code(items, base):
    found = CELEBAMASK.select(",".join(items)).rows(base)
    assert list(found) == sorted(set(found)) and set(found) <= set(range(base + 2 * len(CELEBAMASK)))
    assert rows(items, base) <= rows(["all"], base) == set(range(base + 2 * len(CELEBAMASK)))


@given(TEXTS, st.integers(1, 4))
def test_base_rows_come_with_pose_and_all_alone(items, base):
    assert (set(range(base)) <= rows(items, base)) == bool({BASE_NAME, "all"} & set(items))


@given(st.lists(ITEMS, min_size=1, max_size=5))
def test_the_regions_of_a_selection_are_those_whose_rows_it_has(items):
    assert set(CELEBAMASK.select(",".join(items)).regions) == {row // 2 for row in rows(items, 0)}


@given(TEXTS, st.data())
def test_spaces_and_empty_items_say_nothing(items, data):
    spaced = data.draw(st.lists(st.sampled_from(["", " ", ","]), min_size=len(items), max_size=len(items)))
    text = ",".join(f" {item}{gap}" for item, gap in zip(items, spaced, strict=True))
    assert CELEBAMASK.select(text).parts == CELEBAMASK.select(",".join(items)).parts
