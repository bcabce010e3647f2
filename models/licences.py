"""Under which licences models stand, and a gate that refuses a model before it is loaded.

The table says what a licence's text says of commercial use and of territory, with the clause; it is no legal advice.
"""

from dataclasses import dataclass

from regen3d.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """What a licence allows, as far as it decides whether a run may start."""

    name: str
    """SPDX expression, or the title of a licence that has none."""
    commercial: bool = True
    """Whether commercial use is allowed at all."""
    excluded: tuple[str, ...] = ()
    """ISO 3166 codes of countries, and `EU`, in which it grants nothing."""
    clause: str = ""
    """Where the text says so, for the message of a refusal."""
    url: str = ""
    """The text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What the user says of the use that is made of results."""

    allow_noncommercial: bool = False
    """Whether models may be used that forbid commercial use: results must not be used commercially then."""
    territory: str | None = None
    """ISO 3166 code of the country in which models run and results are used; None where the user has not said."""


_HUNYUAN_CLAUSE = (
    "clause 1 limits the agreement to a territory without the European Union, the United Kingdom and South Korea; "
    "clause 5.c forbids use of outputs elsewhere"
)

LICENCES: dict[str, Licence] = {
    licence.name: licence
    for licence in (
        Licence(name="MIT"),
        Licence(name="Apache-2.0"),
        Licence(
            name="CC-BY-NC-4.0",
            commercial=False,
            clause="section 2(a)(1) licenses the material for non-commercial purposes only",
            url="https://creativecommons.org/licenses/by-nc/4.0/legalcode",
        ),
        Licence(
            name="SAM License",
            clause="allows commercial use; trade controls and military uses are restricted",
            url="https://github.com/facebookresearch/sam3/blob/main/LICENSE",
        ),
        Licence(
            name="Tencent Hunyuan 3D 2.0 Community License",
            excluded=("EU", "GB", "KR"),
            clause=_HUNYUAN_CLAUSE,
            url="https://huggingface.co/tencent/Hunyuan3D-2/blob/main/LICENSE",
        ),
        Licence(
            name="Tencent Hunyuan 3D 2.1 Community License",
            excluded=("EU", "GB", "KR"),
            clause=_HUNYUAN_CLAUSE,
            url="https://huggingface.co/tencent/Hunyuan3D-2.1/blob/main/LICENSE",
        ),
        Licence(
            name="Gemini API Terms",
            clause="a paid service: pictures leave the machine",
            url="https://ai.google.dev/gemini-api/terms",
        ),
    )
}
"""By name; the table of adapters uses these names only."""

EU = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905 - a table
)
"""Members of the European Union, ISO 3166."""


def check_licence(model: str, name: str, permission: Permission) -> None:
    """Refuse a model that the user's purpose or place does not allow.

    Args:
        model: what asks, for the message.
        name: key of `LICENCES`.
        permission: what the user said.

    Raises:
        ConfigError: the licence forbids the use, or a territory has to be stated first; names the clause.
    """
    licence = LICENCES[name]
    if not licence.commercial and not permission.allow_noncommercial:
        raise ConfigError(
            f"{model} is under {name}, which forbids commercial use ({licence.clause}): "
            "choose another adapter, or say --allow-noncommercial if nothing made with it is used commercially"
        )
    if not licence.excluded:
        return
    if permission.territory is None:
        raise ConfigError(
            f"{model} is under the {name}, which grants nothing in {', '.join(licence.excluded)} ({licence.clause}): "
            "say where results are used, for example --territory US, or choose another adapter"
        )
    territory = permission.territory.upper()
    if territory in licence.excluded or (territory in EU and "EU" in licence.excluded):
        raise ConfigError(
            f"{model} is under the {name}, which grants nothing in {territory} ({licence.clause}): "
            "choose another adapter"
        )
