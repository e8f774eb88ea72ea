"""Patches of foreign libraries, one module a library.

Each module says which version of the library it is for and refuses to work with another, why the patch is needed, by a
measurement, and when it can go.
"""

from __future__ import annotations


def require_version(package: str, installed: str, expected: str) -> None:
    """Raise ImportError unless the installed version of a package is the one that a patch was written for."""
    if installed != expected:
        raise ImportError(
            f"{package} {installed} is installed, but Shotwise patches {package} {expected}: install that version "
            f"(pip install {package}=={expected}), or try the patch on the new version and change the one it names",
            name=package)
