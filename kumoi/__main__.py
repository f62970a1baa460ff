"""`python -m kumoi` is the `kumoi` command."""

from kumoi.cli import main

if __name__ == "__main__":
    main(prog_name="kumoi")
