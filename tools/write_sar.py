"""Writes the template that `sam package` and `sam publish` take: `python write_sar.py TEMPLATE ZIP SAR`, next to ZIP.

The Serverless Application Repository takes one zip for a function, so the application is for x86_64 only. Everything else comes from
TEMPLATE.
"""

import os
import pathlib
import sys

import yaml
from samtranslator.yaml_helper import yaml_parse

from write_packaged import FUNCTIONS, SAM_BUILD_METADATA, NoAliasDumper, plain


def main(source: pathlib.Path, archive: pathlib.Path, target: pathlib.Path) -> None:
    template = yaml_parse(source.read_text())
    template["Parameters"]["Architecture"]["AllowedValues"] = ["x86_64"]
    for name in FUNCTIONS:
        function = template["Resources"][name]
        function["Properties"]["CodeUri"] = archive.name
        function["Metadata"] = {key: value for key, value in function["Metadata"].items() if key not in SAM_BUILD_METADATA}
    application = template["Metadata"]["AWS::ServerlessRepo::Application"]
    for name in ("LicenseUrl", "ReadmeUrl"):
        application[name] = os.path.relpath(source.parent / application[name], target.parent)
    head = f"# Made from {source} by tools/{pathlib.Path(__file__).name}.\n"
    target.write_text(head + yaml.dump(plain(template), Dumper=NoAliasDumper, sort_keys=False, width=150, allow_unicode=True))


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
