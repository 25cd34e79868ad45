"""The templates in README.md: every YAML block with `Resources:`. `python readme_templates.py FOLDER` writes each to a file in FOLDER."""

import pathlib
import re
import sys

README = pathlib.Path(__file__).parents[2] / "README.md"


def templates() -> list[str]:
    blocks = re.findall(r"^```ya?ml[^\n]*\n(.*?)^```", README.read_text(), flags=re.DOTALL | re.MULTILINE)
    return [block for block in blocks if re.search(r"^Resources:", block, flags=re.MULTILINE)]


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.yaml"):
        old.unlink()
    for number, template in enumerate(templates(), 1):
        (folder / f"{number}.yaml").write_text(template)
