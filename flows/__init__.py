"""What runs: Prefect flows, wiring only."""
