"""The verbs: one stage a file, each safe to run twice. `stages` is the map; read it first."""
