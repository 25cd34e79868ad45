"""`Versions: All`: a grant applies to all versions of a layer, old and new."""

import pytest

from layer import Layer
from templates import NOT_OWNED, OTHER_PARTNER, PARTNER, sharing_template

PARTNERS = {f"partners-{PARTNER}", f"partners-{OTHER_PARTNER}"}


def all_versions_template(layer: Layer, principals: list[str]) -> dict:
    """A template that shares every version of the layer with these principals, under an explicit statement id."""
    return sharing_template(LayerVersionArn=layer.versions()[-1], Versions="All", Principals=principals, StatementId="partners")


def statement_ids(layer: Layer) -> list[set[str]]:
    """The statement ids in the policy of each version, oldest version first."""
    return [set(layer.policy(version)) for version in layer.versions()]


@pytest.fixture
def shared(stack, layer):
    """A stack that shares two versions with two partners; each policy has a statement not owned, too."""
    for _ in range(2):
        layer.add_statement(layer.publish(), NOT_OWNED, "999988887777")
    assert stack.create(all_versions_template(layer, [PARTNER, OTHER_PARTNER])) == "CREATE_COMPLETE"
    return stack


def test_create_shares_every_version(shared, layer):
    assert statement_ids(layer) == [PARTNERS | {NOT_OWNED}] * 2
    assert shared.outputs["Ref"] == f"{layer.arn}#partners"


def test_update_to_a_new_version_shares_it_under_the_same_ref(shared, layer):
    before = shared.outputs["Ref"]
    layer.publish()

    assert shared.update(all_versions_template(layer, [PARTNER, OTHER_PARTNER])) == "UPDATE_COMPLETE"

    assert statement_ids(layer) == [PARTNERS | {NOT_OWNED}, PARTNERS | {NOT_OWNED}, PARTNERS]
    assert shared.outputs["Ref"] == before
    assert shared.outputs["LayerVersionArn"] == layer.versions()[-1]


def test_version_published_out_of_band_is_shared_by_the_next_update(shared, layer):
    unchanged = all_versions_template(layer, [PARTNER, OTHER_PARTNER])
    layer.publish()
    unchanged["Resources"]["Sharing"]["Properties"]["Nonce"] = "2"

    assert shared.update(unchanged) == "UPDATE_COMPLETE"

    assert statement_ids(layer)[-1] == PARTNERS


def test_update_revokes_a_removed_principal_from_every_version(shared, layer):
    assert shared.update(all_versions_template(layer, [OTHER_PARTNER])) == "UPDATE_COMPLETE"

    assert statement_ids(layer) == [{f"partners-{OTHER_PARTNER}", NOT_OWNED}] * 2
    assert [layer.is_usable_by(PARTNER, version) for version in layer.versions()] == [False, False]
    assert [layer.is_usable_by(OTHER_PARTNER, version) for version in layer.versions()] == [True, True]


def test_delete_revokes_from_every_version_and_keeps_statements_not_owned(shared, layer):
    layer.publish()  # after the stack's last update
    assert statement_ids(layer) == [PARTNERS | {NOT_OWNED}, PARTNERS | {NOT_OWNED}, set()]

    assert shared.delete() == "DELETE_COMPLETE"

    assert statement_ids(layer) == [{NOT_OWNED}, {NOT_OWNED}, set()]


def test_statement_id_in_use_on_one_version_rolls_back_all_versions(stack, layer):
    for _ in range(3):
        layer.publish()
    layer.add_statement(layer.versions()[1], f"partners-{PARTNER}", OTHER_PARTNER)

    assert stack.create(all_versions_template(layer, [PARTNER])) == "ROLLBACK_COMPLETE"

    assert "statement ID already in use" in stack.failure_reason("Sharing")
    assert statement_ids(layer) == [set(), {f"partners-{PARTNER}"}, set()]


def test_layer_with_several_pages_of_versions_is_shared(stack, layer):
    for _ in range(51):
        layer.publish()

    assert stack.create(all_versions_template(layer, [PARTNER])) == "CREATE_COMPLETE"
    assert statement_ids(layer) == [{f"partners-{PARTNER}"}] * 51
    assert stack.delete() == "DELETE_COMPLETE"
    assert statement_ids(layer) == [set()] * 51


def test_timed_out_delete_is_resumed_by_a_retry(provider, stack, layer):
    for _ in range(40):
        layer.publish()
    stack.create(all_versions_template(layer, [PARTNER]))

    with provider.with_configuration(timeout=6):
        assert stack.delete() == "DELETE_FAILED"
        assert "of 40 policies done" in stack.failure_reason("Sharing")
        assert 0 < sum(map(len, statement_ids(layer))) < 40

    assert stack.delete() == "DELETE_COMPLETE"
    assert statement_ids(layer) == [set()] * 40


def test_update_between_one_and_all_versions_fails_under_the_same_statement_id(shared, layer):
    one = all_versions_template(layer, [PARTNER, OTHER_PARTNER])
    one["Resources"]["Sharing"]["Properties"]["Versions"] = "This"

    assert shared.update(one) == "UPDATE_ROLLBACK_COMPLETE"

    assert statement_ids(layer) == [PARTNERS | {NOT_OWNED}] * 2


def test_update_between_one_and_all_versions_replaces_a_derived_statement(stack, layer):
    first, _ = layer.publish(), layer.publish()
    stack.create(sharing_template(LayerVersionArn=first, Principal=PARTNER))

    assert stack.update(sharing_template(LayerVersionArn=first, Principal=PARTNER, Versions="All")) == "UPDATE_COMPLETE"
    assert [len(each) for each in statement_ids(layer)] == [1, 1]

    assert stack.update(sharing_template(LayerVersionArn=first, Principal=PARTNER)) == "UPDATE_COMPLETE"
    assert [len(each) for each in statement_ids(layer)] == [1, 0]
