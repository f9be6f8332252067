"""`python -m backend.sandbox`: the sandbox as its own process."""

from backend.sandbox.cli import sandbox_command

if __name__ == "__main__":
    sandbox_command(prog_name="python -m backend.sandbox")
