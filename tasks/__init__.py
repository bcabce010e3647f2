"""One file per stage: read from the store, call the library or a model, write to the store, publish."""
