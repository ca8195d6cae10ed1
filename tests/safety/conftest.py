"""The laboratory of tests/lifecycle, of which there is one in every test process anyway."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_NAME = "lifecycle_laboratory"
_spec = importlib.util.spec_from_file_location(_NAME, Path(__file__).parents[1] / "lifecycle" / "conftest.py")
assert _spec
assert _spec.loader
_laboratory = importlib.util.module_from_spec(_spec)
sys.modules[_NAME] = _laboratory
_spec.loader.exec_module(_laboratory)

Lab = _laboratory.Lab
lab = _laboratory.lab
signed = _laboratory.signed
simulator = _laboratory.simulator
