"""What ingest made and finds damaged: set aside, said in a sentence, and made again."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

#: Folder beside the versions that holds what the last ingest to find damage set aside.
DAMAGED = ".damaged"


@dataclass
class Quarantine:
    """Takes damaged files and folders of one study's home out of use, and remembers why.

    Parameters
    ----------
    home
        Directory of the study's versions and parts.
    """

    home: Path
    #: One sentence a damaged thing.
    said: list[str] = field(default_factory=list)
    _waiting: list[Path] = field(default_factory=list)
    _begun: bool = False

    def set_aside(self, path: Path, what: str, why: str) -> None:
        """Move ``path`` to the folder of damaged things at once; say what it was and why."""
        self.replace_later(path, what, why)
        self.settle()

    def replace_later(self, path: Path, what: str, why: str) -> None:
        """Say that ``path`` is damaged and leave it in place until another is made."""
        self.said.append(
            f"{what} was damaged ({why}); it was set aside in {self.home.name}/{DAMAGED} and made "
            "again from the sources"
        )
        self._waiting.append(path)

    def settle(self) -> None:
        """Move what was said to be damaged, in place of what earlier ingests had moved."""
        for path in self._waiting:
            if path.exists() or path.is_symlink():
                goal = self._folder() / path.name
                remove(goal)
                path.rename(goal)
        self._waiting.clear()

    def _folder(self) -> Path:
        folder = self.home / DAMAGED
        if not self._begun:
            remove(folder)
            folder.mkdir()
            self._begun = True
        return folder


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder; nothing if there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
