"""What a user can hand over, read and validated: picture, labels, boxes, masks, camera, plate and meshes.

Every reader takes a path, raises only errors of `regen3d.errors`, and says in one sentence what was wrong, what was
found and what to do. Coordinates come in pixels of the picture as given and go out in pixels of the working picture.
The formats are described in `docs/inputs.md`. Light imports only: numpy, pillow and pydantic.
"""
