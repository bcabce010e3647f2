"""regen3d: one image of an indoor scene in, a complete, textured, editable 3D scene out.

The library: plain Python on numpy and torch. It knows no orchestrator and no cloud; heavy imports are left to the
module that needs them.
"""

__version__ = "0.1.0"
