"""The empty room: lines, camera, box, plate and textured surfaces."""
