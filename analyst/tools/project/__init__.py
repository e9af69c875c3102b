"""Tools for the user's project as a whole: its tests, and its git repository."""

from __future__ import annotations

from analyst.tools.project.git import git_tools
from analyst.tools.project.testing import RunTests, StartSandbox

__all__ = ["RunTests", "StartSandbox", "git_tools"]
