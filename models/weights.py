"""Where the weights of models are: a folder of the user's own, else the cache of the Hugging Face hub.

Nothing is downloaded while a scene runs; `regen3d models fetch` does that, on purpose and by name.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from regen3d.errors import NotInstalledError, WeightsMissingError

FOLDER_VARIABLE = "REGEN3D_WEIGHTS"
"""Names a folder with `OWNER--NAME` folders of weights, looked at before the hub's cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """One checkpoint on the Hugging Face hub."""

    repo: str
    """`OWNER/NAME`."""
    revision: str
    """Commit, tag or branch; part of the key of every result."""
    size_gb: float
    """Size of what is downloaded, gigabytes."""
    patterns: tuple[str, ...] = ()
    """Files that are needed, as glob patterns; empty: all."""

    @property
    def folder_name(self) -> str:
        """The repository's name as a folder name."""
        return self.repo.replace("/", "--")

    @property
    def command(self) -> str:
        """The hub's own command that fetches it."""
        return f"hf download {self.repo} --revision {self.revision}"


def locate(weights: Weights, adapter: str, *, default: bool = True) -> Path:
    """The folder of a checkpoint that is already on this machine.

    Args:
        weights: the checkpoint.
        adapter: name of the adapter that asks, for the message.
        default: whether `regen3d models fetch` brings it; a checkpoint that only an option asks for has a command of
            its own.

    Raises:
        WeightsMissingError: it is not there, or only another revision; the message names the command that fetches it.
    """
    own = os.environ.get(FOLDER_VARIABLE)
    if own and (folder := Path(own) / weights.folder_name).is_dir():
        _check_revision(folder, weights)
        return folder
    cached = _cached(weights)
    if cached is None:
        places = f"the folder that {FOLDER_VARIABLE} names ({own or 'not set'}) or in the cache of the Hugging Face hub"
        command = f"regen3d models fetch {adapter}" if default else weights.command
        others = f" (that has revision {', '.join(found)})" if (found := _other_revisions(weights)) else ""
        raise WeightsMissingError(
            f"the weights {weights.repo} at {weights.revision} are not in {places}{others}: "
            f"get {weights.size_gb:g} GB with `{command}`"
        )
    return cached


def _check_revision(folder: Path, weights: Weights) -> None:
    """Refuse a folder of another revision, where `hf download --local-dir` noted which one it brought."""
    notes = (folder / ".cache" / "huggingface" / "download").rglob("*.metadata")
    commits = {lines[0] for note in notes if (lines := note.read_text(encoding="utf-8").splitlines())}
    if commits - {weights.revision}:
        raise WeightsMissingError(
            f"{folder} holds {weights.repo} at {', '.join(sorted(commits))}, and {weights.revision} is needed: "
            f"`{weights.command} --local-dir {folder}`"
        )


def fetch(weights: Weights) -> Path:
    """Download a checkpoint into the cache of the Hugging Face hub, or complete it there; returns its folder.

    Raises:
        NotInstalledError: the package huggingface-hub is missing.
        WeightsMissingError: the hub refused or could not be reached.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise NotInstalledError(
            "fetching weights needs huggingface-hub: install with `pip install huggingface-hub`"
        ) from error
    try:
        folder = snapshot_download(
            weights.repo, revision=weights.revision, allow_patterns=list(weights.patterns) or None
        )
    except (OSError, ValueError) as error:
        # The hub's own errors are OSErrors: no connection, no such revision, a gated repository.
        raise WeightsMissingError(
            f"{weights.repo} at {weights.revision} could not be fetched ({type(error).__name__}): check the "
            "connection, accept the terms on its page if it is gated, and log in with `hf auth login`"
        ) from error
    return Path(folder)


def _other_revisions(weights: Weights) -> list[str]:
    """Commits of a checkpoint that the hub's cache has."""
    try:
        from huggingface_hub.constants import HF_HUB_CACHE
    except ImportError:
        return []
    folder = Path(HF_HUB_CACHE) / f"models--{weights.folder_name}" / "snapshots"
    return sorted(path.name for path in folder.glob("*") if path.is_dir())


def _cached(weights: Weights) -> Path | None:
    """The checkpoint's folder in the hub's cache."""
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError
    except ImportError:
        return None
    try:
        return Path(snapshot_download(weights.repo, revision=weights.revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
