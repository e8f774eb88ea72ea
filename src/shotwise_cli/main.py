"""The command `shotwise`: parse the arguments and run one command.

Exit status: 0 done, 1 a check or a step failed, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from shotwise.errors import InvalidInput, ShotwiseError
from shotwise_cli import diagnosis_commands, knowledge_commands, model_commands
from shotwise_cli.console import fail
from shotwise_cli.errors import FileError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        return status
    except (InvalidInput, FileError) as error:
        return fail(str(error), 2)
    except (FileNotFoundError, IsADirectoryError) as error:
        return fail(f"{error.filename}: {error.strerror}", 2)
    except ShotwiseError as error:
        return fail(str(error), 1)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has ended
        sys.stdout = None
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("shotwise", description="Is this casting shot defective, why, what to change.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add = commands.add_parser("serve", help="serve the API (and with --ui the page) on this machine")
    add.add_argument("--ui", action="store_true", help="serve the page too")
    add.set_defaults(run=_serve)
    diagnosis_commands.add_commands(commands)
    knowledge_commands.add_commands(commands)
    model_commands.add_commands(commands)
    return parser


def _serve(options: argparse.Namespace) -> int:
    from shotwise_local.serve import serve

    return serve(ui=options.ui)


if __name__ == "__main__":
    sys.exit(main())
