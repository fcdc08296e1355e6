"""What the doctor says about the encoder: one line, for a model that is there, and for each way in which it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.doctor import Check, checks
from bot.settings import Settings


async def _recall(encoder: str, data: Path) -> Check:
    settings = Settings(encoder=encoder, data_dir=data, services_file=data / "none.yaml")
    return [check async for check in checks(settings) if check.what == "Recall"][-1]


async def test_a_model_that_loads(model: Path, tmp_path: Path) -> None:
    check = await _recall(str(model), tmp_path)
    assert (check.state, check.said) == ("ok", f"encoder {model} loads")


@pytest.mark.parametrize("kind", ["no folder", "no model", "cut off", "a name that is not at hand"])
async def test_a_model_that_does_not_load_is_one_line_that_says_what_to_do(
    kind: str, model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    if kind != "no folder":
        folder.mkdir()
    if kind == "cut off":
        for file in model.iterdir():
            if file.is_file():
                (folder / file.name).write_bytes(file.read_bytes()[:1000])
    name = "nobody/no-such-model" if kind == "a name that is not at hand" else str(folder)
    check = await _recall(name, tmp_path)
    assert check.state == "wrong"
    assert check.said.startswith(f"The encoder {name!r} cannot be loaded (")
    assert "set NIGHTDESK_ENCODER" in check.said
    assert "\n" not in check.said
