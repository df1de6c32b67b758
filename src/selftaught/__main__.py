"""`python -m selftaught`: the command, by the interpreter that is asked."""

from selftaught.cli.main import main

if __name__ == "__main__":
    main()
