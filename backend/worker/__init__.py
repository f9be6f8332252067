"""The only job loop: take, run the stage, record, retry or set aside."""
