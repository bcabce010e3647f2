"""`regen3d ...`: thin, one file per group of commands."""
