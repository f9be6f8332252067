"""Runs what is due: take it, run the stage, record the result, retry or make a dead letter."""
