"""Names that the farm's parts know each other by; `deploy/` uses the same."""

SCENE = "reconstruct-scene/scene"
"""Deployment: one picture to one scene."""
LIBRARY = "library/library"
"""Deployment: a folder or bucket of pictures to many scenes."""
REDO = "redo-object/redo"
"""Deployment: one object of a finished scene again."""
EVALUATE = "evaluate/evaluate"
"""Deployment: a data set with truth to a table."""

SCENES_POOL = "scenes"
"""Work pool of the machines that compute."""
COORDINATION_POOL = "coordination"
"""Work pool of the flows that only start others and wait, so that they never hold a place that a scene needs."""

ARTISTS_QUEUE = "artists"
"""Queue of the scenes' pool for people who wait; served first."""
LIBRARY_QUEUE = "libraries"
"""Queue of the scenes' pool for what runs at night; served when no artist waits."""

TAG = "regen3d"
"""Tag of every run that these commands started."""

AT_REST = "regen3d.flow-run.at-rest"
"""Event of a run that was suspended, from its process as that ends: no heartbeat comes after it."""
