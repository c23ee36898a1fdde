"""``python -m condit``: the command line."""

from condit.cli import app

if __name__ == "__main__":
    app()
