"""What predicts: adapters behind four protocols, one file per model."""
