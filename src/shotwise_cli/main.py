"""The command `shotwise`: parse the arguments and run one command.

Exit status: 0 done, 1 a check or a step failed, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from shotwise.errors import InvalidInput, ShotwiseError
from shotwise.hidden_characters import visible
from shotwise_cli import diagnosis_commands, knowledge_commands, model_commands
from shotwise_cli.console import fail
from shotwise_cli.errors import FileError

# The machine's fault, not that of a path in an option or setting.
DISK_ERRORS = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EIO))


class _Parser(argparse.ArgumentParser):
    """A parser whose errors repeat what was typed without obeying it."""

    def error(self, message: str) -> NoReturn:
        super().error(visible(message))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = make_parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        if sys.stdout:
            sys.stdout.flush()  # output that cannot be written fails the command
        return status
    except (InvalidInput, FileError) as error:
        return fail(str(error), 2)
    except ShotwiseError as error:
        return fail(str(error), 1)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has ended
        sys.stdout = None
        return 0
    except OSError as error:
        return _fail_file(error)


def _fail_file(error: OSError) -> int:
    """Print which file or folder cannot be used and why: status 1 for a full or damaged disk, else 2."""
    if not error.filename and error.errno in DISK_ERRORS:
        sys.stdout = None  # it was the output, which would fail again when Python ends
        return fail(f"the output cannot be written: {error.strerror}", 1)
    paths = " → ".join(os.fsdecode(path) for path in (error.filename, error.filename2) if path)
    return fail(f"{paths}: {error.strerror}" if paths else str(error), 1 if error.errno in DISK_ERRORS else 2)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = _Parser("shotwise", description="Is this casting shot defective, why, what to change.")
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
