"""`Versions: All`: what is granted on one version of a layer is granted on all of them, old and new."""

import pytest

from layer import Layer
from templates import OTHER_PARTNER, PARTNER, sharing

FOREIGN = "somebody-elses"
PARTNERS = {f"partners-{PARTNER}", f"partners-{OTHER_PARTNER}"}


def every(layer: Layer, principals: list[str]) -> dict:
    """A stack that shares every version of the layer with these, under a statement id of its own choice."""
    return sharing(LayerVersionArn=layer.versions()[-1], Versions="All", Principals=principals, StatementId="partners")


def ids(layer: Layer) -> list[set[str]]:
    """The statement ids on each version, first version first."""
    return [set(layer.policy(version)) for version in layer.versions()]


@pytest.fixture
def shared(stack, layer):
    """Two versions that are shared with two partners, each beside a foreign statement."""
    for _ in range(2):
        layer.share(layer.publish(), FOREIGN, "999988887777")
    assert stack.create(every(layer, [PARTNER, OTHER_PARTNER])) == "CREATE_COMPLETE"
    return stack


def test_create_shares_every_version(shared, layer):
    assert ids(layer) == [PARTNERS | {FOREIGN}] * 2
    assert shared.outputs["Ref"] == f"{layer.arn}#partners"


def test_update_to_a_new_version_shares_it_under_the_same_ref(shared, layer):
    before = shared.outputs["Ref"]
    layer.publish()

    assert shared.update(every(layer, [PARTNER, OTHER_PARTNER])) == "UPDATE_COMPLETE"

    assert ids(layer) == [PARTNERS | {FOREIGN}, PARTNERS | {FOREIGN}, PARTNERS]
    assert shared.outputs["Ref"] == before
    assert shared.outputs["LayerVersionArn"] == layer.versions()[-1]


def test_version_published_out_of_band_is_shared_by_the_next_update(shared, layer):
    unchanged = every(layer, [PARTNER, OTHER_PARTNER])
    layer.publish()
    unchanged["Resources"]["Sharing"]["Properties"]["Nonce"] = "2"

    assert shared.update(unchanged) == "UPDATE_COMPLETE"

    assert ids(layer)[-1] == PARTNERS


def test_update_revokes_a_removed_principal_from_every_version(shared, layer):
    assert shared.update(every(layer, [OTHER_PARTNER])) == "UPDATE_COMPLETE"

    assert ids(layer) == [{f"partners-{OTHER_PARTNER}", FOREIGN}] * 2
    assert [layer.may_be_used_by(PARTNER, version) for version in layer.versions()] == [False, False]
    assert [layer.may_be_used_by(OTHER_PARTNER, version) for version in layer.versions()] == [True, True]


def test_delete_revokes_from_every_version_and_keeps_statements_not_owned(shared, layer):
    layer.publish()  # which the stack has never seen
    assert ids(layer) == [PARTNERS | {FOREIGN}, PARTNERS | {FOREIGN}, set()]

    assert shared.delete() == "DELETE_COMPLETE"

    assert ids(layer) == [{FOREIGN}, {FOREIGN}, set()]


def test_statement_id_in_use_on_one_version_rolls_back_all_versions(stack, layer):
    for _ in range(3):
        layer.publish()
    layer.share(layer.versions()[1], f"partners-{PARTNER}", OTHER_PARTNER)

    assert stack.create(every(layer, [PARTNER])) == "ROLLBACK_COMPLETE"

    assert "statement id taken" in stack.reason("Sharing")
    assert ids(layer) == [set(), {f"partners-{PARTNER}"}, set()]


def test_layer_with_several_pages_of_versions_is_shared(stack, layer):
    for _ in range(51):
        layer.publish()

    assert stack.create(every(layer, [PARTNER])) == "CREATE_COMPLETE"
    assert ids(layer) == [{f"partners-{PARTNER}"}] * 51
    assert stack.delete() == "DELETE_COMPLETE"
    assert ids(layer) == [set()] * 51


def test_timed_out_delete_is_resumed_by_a_retry(provider, stack, layer):
    for _ in range(40):
        layer.publish()
    stack.create(every(layer, [PARTNER]))

    with provider.configured(timeout=6):
        assert stack.delete() == "DELETE_FAILED"
        assert "of 40 versions done" in stack.reason("Sharing")
        assert 0 < sum(map(len, ids(layer))) < 40

    assert stack.delete() == "DELETE_COMPLETE"
    assert ids(layer) == [set()] * 40


def test_update_between_one_and_all_versions_fails_under_the_same_statement_id(shared, layer):
    one = every(layer, [PARTNER, OTHER_PARTNER])
    one["Resources"]["Sharing"]["Properties"]["Versions"] = "This"

    assert shared.update(one) == "UPDATE_ROLLBACK_COMPLETE"

    assert ids(layer) == [PARTNERS | {FOREIGN}] * 2


def test_update_between_one_and_all_versions_replaces_a_derived_statement(stack, layer):
    first, _ = layer.publish(), layer.publish()
    stack.create(sharing(LayerVersionArn=first, Principal=PARTNER))

    assert stack.update(sharing(LayerVersionArn=first, Principal=PARTNER, Versions="All")) == "UPDATE_COMPLETE"
    assert [len(each) for each in ids(layer)] == [1, 1]

    assert stack.update(sharing(LayerVersionArn=first, Principal=PARTNER)) == "UPDATE_COMPLETE"
    assert [len(each) for each in ids(layer)] == [1, 0]
