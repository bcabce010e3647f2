import pytest

from regen3d.errors import ConfigError
from regen3d.inputs.supports import check_supports

NAMES = ("chair-1", "table-1", "vase-1")


def test_places_and_other_objects_are_supports() -> None:
    check_supports({"chair-1": "floor", "vase-1": "table-1", "table-1": "free"}, NAMES, "instances.json")


@pytest.mark.parametrize(
    ("supports", "said"),
    [
        ({"sofa-1": "floor"}, "'sofa-1', which has no mask"),
        ({"vase-1": "moon"}, "cannot stand on 'moon'; choose one of floor, wall, ceiling, free, chair-1"),
        ({"vase-1": "vase-1"}, "vase-1 on vase-1"),
        ({"vase-1": "table-1", "table-1": "vase-1"}, "would stand on itself"),
    ],
)
def test_what_cannot_carry_is_refused(supports: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check_supports(supports, NAMES, "instances.json")
