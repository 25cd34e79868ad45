"""`make budget`: what it reports if the release executable exceeds its budget, and that it reports nothing else."""

import json
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "benches"))

import budget  # noqa: E402
import contents  # noqa: E402

CREATE = "instructions of a cold Create"
CRATES = {("hyper", "v1.12.0"), ("reqwest", "v0.13.5"), ("rustls", "v0.23.46")}


def test_figure_over_budget_is_reported_with_the_remedy():
    assert budget.exceeded({CREATE: 1_000_000}, {CREATE: 1_050_001}) == [
        "instructions of a cold Create over budget: got 1,050,001, the budget is 1,000,000 (at most 1,050,000); "
        "make it less, or take the new figure by `make budget UPDATE=1`"
    ]


def test_figure_within_five_percent_of_budget_passes():
    assert budget.exceeded({CREATE: 1_000_000}, {CREATE: 1_050_000}) == []
    assert budget.fallen({CREATE: 1_000_000}, {CREATE: 950_000}) == []


def test_figure_far_below_budget_suggests_a_new_baseline():
    assert budget.fallen({CREATE: 1_000_000}, {CREATE: 949_999}) == [
        "instructions of a cold Create far below budget: got 949,999, the budget is 1,000,000; hold the gain by `make budget UPDATE=1`"
    ]


def test_one_additional_crate_exceeds_the_budget():
    assert budget.exceeded({"crates": 168}, {"crates": 168}) == []
    (failure,) = budget.exceeded({"crates": 168}, {"crates": 169})
    assert failure.startswith("crates over budget: got 169, the budget is 168 (at most 168);")


def test_committed_budget_has_every_checked_figure():
    assert json.loads(budget.BUDGET.read_text()).keys() == budget.TOLERANCE.keys()


@pytest.mark.parametrize("other", [("ring", "v0.17.14"), ("openssl", "v0.10.70"), ("native-tls", "v0.2.14")])
def test_second_http_or_tls_stack_is_reported(other):
    assert contents.second_stacks(CRATES) == []
    assert contents.second_stacks(CRATES | {other}) == [
        f"second HTTP or TLS stack: got `{' '.join(other)}`, see by `cargo tree --invert` who wants it, and leave out the feature that does"
    ]


def test_second_version_of_the_same_stack_is_reported():
    (failure,) = contents.second_stacks(CRATES | {("hyper", "v0.14.32")})
    assert failure.startswith("second HTTP or TLS stack: got `hyper v0.14.32`, `hyper v1.12.0`,")


def compiled(folder: pathlib.Path, *functions: str) -> pathlib.Path:
    source, library = folder / "source.c", folder / "library.o"
    source.write_text("".join(f"void {function}(void) {{}}\n" for function in functions))
    subprocess.run(["cc", "-c", source, "-o", library], check=True)
    return library


def test_jitter_entropy_symbols_are_reported(tmp_path):
    assert contents.jitter(compiled(tmp_path, "aws_lc_0_47_0_X25519")) == []
    assert contents.jitter(compiled(tmp_path, "aws_lc_0_47_0_X25519", "aws_lc_0_47_0_jent_read_entropy")) == [
        "jitter entropy compiled in: got 1 symbols such as `aws_lc_0_47_0_jent_read_entropy`, "
        "build with AWS_LC_SYS_NO_JITTER_ENTROPY=1, as .cargo/config.toml says"
    ]


def test_library_without_cryptography_is_reported(tmp_path):
    (failure,) = contents.jitter(compiled(tmp_path, "something_else"))
    assert failure.startswith("no cryptography in the library: got 1 symbols in ")
