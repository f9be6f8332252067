"""The pipeline: one stage per file, each safe to run twice. `stages` is the map; read it first."""
