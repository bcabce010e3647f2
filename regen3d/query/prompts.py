"""What image models are told: the templates beside this file."""

from importlib import resources

from jinja2 import Environment, StrictUndefined

from regen3d.query.layout import Style


def object_prompt(style: Style, label: str) -> str:
    """The words that go with a query for one object.

    Args:
        style: of the query.
        label: what the object is.
    """
    return _rendered(style, label=label)


def empty_room_prompt(labels: tuple[str, ...] = ()) -> str:
    """The words that go with a picture of a room to be emptied.

    Args:
        labels: what to remove, where it is known.
    """
    return _rendered("empty_room", labels=labels)


def _rendered(name: str, **values: str | tuple[str, ...]) -> str:
    source = resources.files("regen3d.query").joinpath(f"{name}.j2").read_text(encoding="utf-8")
    return Environment(undefined=StrictUndefined, autoescape=False).from_string(source).render(**values)
