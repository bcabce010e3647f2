"""The one tree of errors; every class crosses a process boundary unharmed.

```
Regen3dError                     .retryable = False; .stage, .instance (filled where they are known)
├─ InputError                    the user's picture, file, URI or configuration is at fault; exit code 2
│  ├─ UnreadableImageError       missing, a folder, empty, corrupt or truncated
│  ├─ UnsupportedImageError      readable, but its size or shape cannot be used
│  └─ ConfigError                unknown profile, stage, adapter, option or malformed file
├─ StageError                    a stage could not do its work on this input; never retried
│  ├─ NoInstancesError           nothing to reconstruct was found
│  ├─ DegenerateGeometryError    points, lines or planes that determine no answer
│  ├─ AlignmentDivergedError     no pose explains the mask
│  ├─ InvalidMeshError           a mesh that is empty, flat or not finite
│  ├─ PoisonedJobError           every process that tried it died
│  └─ JobCancelledError          whoever asked for it has gone, or has called it off
├─ ModelError                    an adapter broke its contract
│  ├─ WeightsMissingError        says the command that fetches them
│  ├─ NotInstalledError          says the command that installs the package
│  └─ ModelOutputError           what, expected, found
└─ ResourceError                 .retryable = True
   ├─ OutOfMemoryError           the next try uses a smaller batch
   ├─ StoreUnavailableError      the object store did not answer
   ├─ ServerUnavailableError     the Prefect server did not answer, or refused
   └─ WorkerLostError            the process that ran the call died
```

A message says what was wrong, what was found and what to do. Shape and type violations are bugs, not members of
this tree. Context is attached by attribute, never by a required constructor argument, so that every class pickles.
"""


class Regen3dError(Exception):
    """Anything that regen3d raises on purpose."""

    retryable: bool = False
    """Whether the same call may succeed when it is made again."""
    stage: str | None = None
    """Name of the stage that was running, where known."""
    instance: str | None = None
    """Name of the object that was worked on, where known."""

    def within(self, stage: str, instance: str | None = None) -> "Regen3dError":
        """The same error with the place where it happened attached; an inner place is kept."""
        self.stage = self.stage or stage
        self.instance = self.instance or instance
        return self

    def __reduce__(self) -> tuple:
        """Pickle message and context, so that both survive the way between processes."""
        return (type(self), self.args, {"stage": self.stage, "instance": self.instance})


class InputError(Regen3dError):
    """What the user gave cannot be used."""


class UnreadableImageError(InputError):
    """The picture is missing, a folder, empty, corrupt or truncated."""


class UnsupportedImageError(InputError):
    """The picture can be read, but its size or shape cannot be used."""


class ConfigError(InputError):
    """A profile, stage, adapter, option or file of settings is unknown or malformed."""


class StageError(Regen3dError):
    """A stage could not do its work on this input."""


class NoInstancesError(StageError):
    """Nothing to reconstruct was found."""


class DegenerateGeometryError(StageError):
    """The points, lines or planes at hand determine no answer."""


class AlignmentDivergedError(StageError):
    """No pose explains the object's mask."""


class InvalidMeshError(StageError):
    """A mesh is empty, flat or has values that are not finite."""


class PoisonedJobError(StageError):
    """Every process that tried the job died; another one is not risked."""


class JobCancelledError(StageError):
    """Whoever asked for the job has gone, or has called it off."""


class ModelError(Regen3dError):
    """An adapter broke its contract."""


class WeightsMissingError(ModelError):
    """The weights of a model are not where they are expected."""


class NotInstalledError(ModelError):
    """A package that an adapter needs is not installed."""


class ModelOutputError(ModelError):
    """A model answered with something that its contract forbids."""


class ResourceError(Regen3dError):
    """Something outside the program gave way; the same call may succeed later."""

    retryable = True


class OutOfMemoryError(ResourceError):
    """Memory ran out during a call."""


class StoreUnavailableError(ResourceError):
    """The object store did not answer."""


class ServerUnavailableError(ResourceError):
    """The Prefect server did not answer, or refused a call."""


class WorkerLostError(ResourceError):
    """The process that ran the call died."""
