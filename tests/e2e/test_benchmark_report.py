"""The benchmark tables and chart are generated from the stored results."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "benches"))

import picture  # noqa: E402
import report  # noqa: E402

RESULTS = json.loads((report.HERE / "results.json").read_text())


def test_tables_match_the_stored_results():
    page = report.PAGE.read_text()
    assert report.page_part(RESULTS) in page
    assert report.network_part(RESULTS) in page


def test_chart_matches_the_stored_results():
    assert picture.draw(RESULTS) == (report.HERE / "speed.svg").read_text()
