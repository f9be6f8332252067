"""The only job loop: take, run the stage, record, retry or make a dead letter."""
