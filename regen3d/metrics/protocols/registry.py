"""Every protocol by its name."""

from collections.abc import Sequence
from types import MappingProxyType

from regen3d.errors import ConfigError, InvalidMeshError
from regen3d.metrics.protocols.base import PlacedMesh, Protocol, ProtocolResult, ProtocolSettings
from regen3d.metrics.protocols.canonical import CANONICAL
from regen3d.metrics.protocols.depr import DEPR
from regen3d.metrics.protocols.gen3dsr import GEN3DSR
from regen3d.metrics.protocols.midi import MIDI, MIDI_RELEASED
from regen3d.metrics.protocols.partcrafter import PARTCRAFTER
from regen3d.metrics.protocols.regen import REGEN

PROTOCOLS: MappingProxyType[str, Protocol] = MappingProxyType(
    {protocol.name: protocol for protocol in (CANONICAL, REGEN, MIDI, MIDI_RELEASED, GEN3DSR, DEPR, PARTCRAFTER)}
)
"""Name to protocol, in the order in which they are listed."""


def evaluate(
    protocol: str,
    predicted: Sequence[PlacedMesh],
    true: Sequence[PlacedMesh],
    settings: ProtocolSettings,
) -> ProtocolResult:
    """Score one scene by the protocol of a name.

    Args:
        protocol: a key of `PROTOCOLS`.
        predicted: what was reconstructed, in any order; may be empty.
        true: what is there, at least one object.
        settings: number of samples, seed, true camera.

    Returns:
        Numbers of the scene and of each true object.

    Raises:
        ConfigError: no protocol has this name.
        InvalidMeshError: there is no true object.
    """
    if protocol not in PROTOCOLS:
        raise ConfigError(f"there is no protocol '{protocol}': choose one of {', '.join(PROTOCOLS)}")
    if not true:
        raise InvalidMeshError("the scene has no true objects to compare with: leave it out of the evaluation")
    return PROTOCOLS[protocol].score(predicted, true, settings)
