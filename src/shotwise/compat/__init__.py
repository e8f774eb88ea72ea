"""Patches of third-party libraries, one module per library.

Each module states the version of the library that it patches and refuses any other, why the patch is needed, with a
measurement, and when it can be removed.
"""

from __future__ import annotations


def require_version(package: str, installed: str, expected: str) -> None:
    """Raise ImportError unless the installed version of a package is the one that a patch is for."""
    if installed != expected:
        raise ImportError(
            f"{package} {installed} is installed, but Shotwise patches {package} {expected}: install that version "
            f"(pip install {package}=={expected}), or try the patch on the new version and change the one it names",
            name=package)
