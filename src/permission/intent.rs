//! From a request to what is to be true when it has been served: goals for the policies, and the id to answer with.
//! Decides only; reads no policy and calls nobody.

use thiserror::Error;

use super::goal::{Denied, Goal, Goals, Unwanted};
use super::grant::Grant;
use super::home::{Home, OutOfReach};
use super::properties::Violations;
use super::reading::Reading;
use super::scope::Scope;
use super::statement::{Statement, StatementId};
use crate::cloudformation::physical_id::PhysicalId;
use crate::cloudformation::request::{Request, RequestType};

/// What is to be true afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// What the policies are to hold; nothing where there is nothing to do.
    pub goals: Option<Goals>,
    /// What a failed Update may have left in other policies. It goes if that is possible: they may be ones that cannot even
    /// be read, which would be why the Update failed.
    pub leftovers: Option<Goals>,
    /// Who must not be granted to, and why, as far as this intent could come to it.
    pub denied: Denied,
    /// What the work is for, which decides how patient it is and whether it is taken back when it fails.
    pub purpose: Purpose,
    /// The id that a success answers.
    pub physical_id: String,
    /// Whether the resource has this id already: what it granted under it so far is there, or was.
    pub keeps_id: bool,
    /// What a success answers besides, for `Fn::GetAtt`.
    pub attributes: Vec<(&'static str, String)>,
}

/// Why a goal is pursued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To give access. A role that was made a moment ago is waited for, and a failure is taken back.
    Grant,
    /// To take access away.
    Revoke,
    /// To take away what a Create that is perhaps still running may give: looked for again for some seconds.
    RevokeEarly,
}

/// Why a request cannot be served.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum NoIntent {
    /// The resource type is kept for something that this version does not do.
    #[error(
        "resource type not served by this version: got `{0}`, use `Custom::LayerVersionPermission` for layers"
    )]
    NotServed(String),
    /// The Delete of the old grant that follows would take the new one with it.
    #[error(
        "statement shared with the grant that is replaced: got `{0}` in both, give another `StatementId` or leave it out"
    )]
    SharedStatement(StatementId),
    /// The properties do not parse.
    #[error(transparent)]
    Violations(#[from] Violations),
}

/// The resource type that is kept for the policies of functions.
const FUNCTION_PERMISSION: &str = "Custom::FunctionPermission";

impl Intent {
    /// What `request` asks for.
    ///
    /// # Errors
    /// If it cannot be served. A Delete can always be served.
    pub fn of(request: &Request) -> Result<Self, NoIntent> {
        let id = PhysicalId::read(request.physical_id.as_deref());
        let never_served = request.resource_type == FUNCTION_PERMISSION;
        match (request.kind, id) {
            (RequestType::Create | RequestType::Update, _) if never_served => {
                Err(NoIntent::NotServed(request.resource_type.clone()))
            }
            (RequestType::Create | RequestType::Update, _) => Self::grant(request),
            // Nothing was ever granted, whatever the properties say.
            (RequestType::Delete, PhysicalId::NeverCreated) => {
                Ok(Self::revoke(request, None, Purpose::Revoke))
            }
            (RequestType::Delete, _) if never_served => {
                Ok(Self::revoke(request, None, Purpose::Revoke))
            }
            (RequestType::Delete, PhysicalId::Granted { .. }) => {
                Ok(Self::revoke(request, request.revoked(), Purpose::Revoke))
            }
            (RequestType::Delete, PhysicalId::Unknown) => Ok(Self::revoke(
                request,
                request.revoked(),
                Purpose::RevokeEarly,
            )),
        }
    }

    fn grant(request: &Request) -> Result<Self, NoIntent> {
        let grant = request.declared()?;
        let before = request.declared_before();
        let goals = Goals::with_grant(&grant);
        let physical_id = request.id_of(&grant, &goals)?;
        let keeps_id = request.physical_id.as_ref() == Some(&physical_id);
        let attributes = vec![
            ("Id", physical_id.clone()),
            ("LayerVersionArn", grant.layer_version.to_string()),
            ("StatementId", grant.sid.to_string()),
            ("StatementIds", listed(&grant.statements())),
        ];
        let mut intent = Self {
            goals: None,
            leftovers: None,
            denied: Denied::new(),
            purpose: Purpose::Grant,
            physical_id,
            keeps_id,
            attributes,
        };
        intent.replace(goals, &grant, before.as_ref());
        Ok(intent)
    }

    /// Pursues `goals`, with what goes of what was declared before.
    fn replace(&mut self, mut goals: Goals, grant: &Grant, before: Option<&Grant>) {
        // Our own write changed the revision: one that the resource was already made with is spent. Under the same id, the
        // statement that goes has to be ours anyway, and a rollback must not fail for the revision it brings back.
        let revision_before = before.and_then(|before| before.revision_id.as_ref());
        let spent = self.keeps_id || revision_before == grant.revision_id.as_ref();
        goals.each.revision_id = goals.each.revision_id.filter(|_| !spent);
        // With another id, CloudFormation deletes the old grant itself when all else has succeeded; with the same id the
        // old content goes now. When this is a rollback, the old content is what the failed Update may have left.
        if let Some(before) = before.filter(|_| self.keeps_id) {
            let old = Goals::without_grant(before);
            let placed = old.clone().placed_like(&goals);
            if placed.scope == goals.scope {
                goals.each.unwanted = old.each.unwanted;
            } else if placed.shared_with(&goals).is_none() {
                self.leftovers = Some(old);
            } else if PhysicalId::read(Some(&self.physical_id)) == PhysicalId::Unknown {
                goals.take_over(placed);
            }
            // Otherwise the Update was refused for sharing a statement, and has left nothing.
        }
        self.goals = Some(goals);
    }

    /// Gives the intent as far as the function of this ARN can pursue it: a grant only in its own partition, and where region
    /// and partition of the layer fit each other. Where it cannot have granted anything, there is nothing to revoke.
    ///
    /// # Errors
    /// If that keeps it from granting.
    pub fn within(mut self, function_arn: &str) -> Result<Self, OutOfReach> {
        let home = Home::of_function(function_arn);
        let layer = |goals: &Goals| goals.scope.layer().clone();
        if self.purpose == Purpose::Grant {
            self.goals
                .as_ref()
                .map_or(Ok(()), |goals| home.reaches(&layer(goals)))?;
        }
        self.goals = self
            .goals
            .filter(|goals| home.may_have_granted(&layer(goals)));
        // The Update that would have left something there was refused.
        self.leftovers = self
            .leftovers
            .filter(|goals| home.reaches(&layer(goals)).is_ok());
        Ok(self)
    }

    /// Whether policies of all versions of a layer are worked on.
    #[must_use]
    pub fn is_for_all_versions(&self) -> bool {
        let mut goals = self.goals.iter().chain(&self.leftovers);
        goals.any(|goals| matches!(goals.scope, Scope::All(_)))
    }

    fn revoke(request: &Request, goals: Option<Goals>, purpose: Purpose) -> Self {
        Self {
            goals,
            leftovers: None,
            denied: Denied::new(),
            purpose,
            physical_id: request
                .physical_id
                .clone()
                .unwrap_or_else(|| PhysicalId::NeverCreated.to_string()),
            keeps_id: true,
            attributes: Vec::new(),
        }
    }
}

/// The ids of the statements, comma-separated.
fn listed(statements: &[Statement]) -> String {
    let ids: Vec<String> = statements
        .iter()
        .map(|statement| statement.sid.to_string())
        .collect();
    ids.join(",")
}

impl Request {
    fn declared(&self) -> Result<Grant, Violations> {
        Grant::declared(&self.properties, &self.stack_id, &self.logical_id)
    }

    /// What a Delete of the id of this request with its properties revokes, if anything.
    fn revoked(&self) -> Option<Goals> {
        match PhysicalId::read(self.physical_id.as_deref()) {
            PhysicalId::NeverCreated => None,
            PhysicalId::Granted { scope, sid } => Some(self.without(scope, sid)),
            PhysicalId::Unknown => self.declared().ok().as_ref().map(Goals::without_grant),
        }
    }

    /// The id that the resource has when `goals` are true, which `grant` declares. With another one than before, CloudFormation
    /// deletes the one before by its old properties: that must not take away what was just granted.
    fn id_of(&self, grant: &Grant, goals: &Goals) -> Result<String, NoIntent> {
        let id = grant.physical_id().to_string();
        let (Some(known), Some(old)) = (&self.physical_id, &self.old_properties) else {
            return Ok(id);
        };
        if *known == id {
            return Ok(id);
        }
        let clean_up = Self {
            properties: old.clone(),
            ..self.clone()
        };
        let revoked = clean_up.revoked();
        let placed = revoked.clone().map(|old| old.placed_like(goals));
        let Some(shared) = placed.as_ref().and_then(|old| old.shared_with(goals)) else {
            return Ok(id);
        };
        if PhysicalId::read(Some(known)) == PhysicalId::Unknown {
            // The resource was made by another implementation, and keeps the id that it has from there.
            Ok(known.clone())
        } else if placed == revoked {
            Err(NoIntent::SharedStatement(shared))
        } else {
            // It is out of reach, which is said then.
            Ok(id)
        }
    }

    /// What the id names is to be gone, if it says what the properties declare; by the id alone, if they cannot be read.
    fn without(&self, scope: Scope, sid: StatementId) -> Goals {
        let Ok(declared) = self.declared() else {
            let role = Reading::of(&self.properties).role(None);
            let each = Goal {
                unwanted: vec![Unwanted::by_id(sid)],
                ..Goal::default()
            };
            return Goals {
                role: role.filter(|role| role.account() == scope.layer().account()),
                each,
                ..Goals::new(scope)
            };
        };
        let unwanted = declared.whatever_is_ours().filter(|own| own.sid == sid);
        let mut own = Goals::without_grant(&Grant { sid, ..declared });
        if let Some(unwanted) = unwanted {
            own.each.unwanted = vec![unwanted];
        }
        if own.scope == scope {
            return own;
        }
        // The properties name a version of another scope than the id does.
        Goals {
            role: own.role,
            each: own.each,
            ..Goals::new(scope)
        }
    }

    /// What the resource declared before an Update.
    fn declared_before(&self) -> Option<Grant> {
        let properties = self.old_properties.as_ref()?;
        Grant::declared(properties, &self.stack_id, &self.logical_id).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudformation::request::Envelope;
    use serde_json::{Value, json};

    const LAYER: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer";

    /// A grant of version 1 to an account, with these changes; without what is null in them.
    fn properties(changes: &Value) -> Value {
        let mut properties = json!({
            "LayerVersionArn": format!("{LAYER}:1"),
            "Principal": "111122223333",
            "StatementId": "sid",
        });
        let map = properties.as_object_mut().expect("an object");
        map.extend(changes.as_object().expect("an object").clone());
        map.retain(|_, value| !value.is_null());
        properties
    }

    fn request(kind: &str, id: &str, new: &Value, old: &Value) -> Request {
        let event = json!({
            "RequestType": kind,
            "ResponseURL": "https://host/",
            "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/s/1",
            "LogicalResourceId": "Share",
            "ResourceType": "Custom::LayerVersionPermission",
            "PhysicalResourceId": id,
            "ResourceProperties": properties(new),
            "OldResourceProperties": properties(old),
        });
        let envelope = Envelope::open(&event).expect("an envelope");
        Request::parse(&envelope, &event).expect("a request")
    }

    fn intent(kind: &str, id: &str, new: &Value, old: &Value) -> Result<Intent, NoIntent> {
        Intent::of(&request(kind, id, new, old))
    }

    /// The goals as `<version or All>: + <wanted> - <unwanted>`.
    fn goals(intent: &Intent) -> Vec<String> {
        let goal = |goal: &Goals| {
            let wanted = goal.each.wanted.iter().map(|wanted| format!(" + {wanted}"));
            let unwanted = goal
                .each
                .unwanted
                .iter()
                .map(|unwanted| format!(" - {unwanted}"));
            let changes: String = wanted.chain(unwanted).collect();
            match &goal.scope {
                Scope::This(layer_version) => format!("{}:{changes}", layer_version.version()),
                Scope::All(_) => format!("All:{changes}"),
            }
        };
        let leftovers = intent
            .leftovers
            .iter()
            .map(|left| format!("leftover {}", goal(left)));
        intent.goals.iter().map(goal).chain(leftovers).collect()
    }

    #[test]
    fn an_update_clears_away_what_was_declared_before_only_under_the_same_id() {
        let other = json!({"Principal": "444455556666"});
        let version_2 = json!({"LayerVersionArn": format!("{LAYER}:2")});
        let id = format!("{LAYER}:1#sid");
        for (name, id, new, old, expected) in [
            (
                "another principal, same id",
                id.as_str(),
                &other,
                &json!({}),
                vec!["1: + `sid` for `444455556666` - `sid` for `111122223333`"],
            ),
            (
                "another version: the old one is left to CloudFormation's Delete",
                id.as_str(),
                &version_2,
                &json!({}),
                vec!["2: + `sid` for `111122223333`"],
            ),
            (
                "rollback of a failed Update to another version: what it may have left goes",
                id.as_str(),
                &json!({}),
                &version_2,
                vec![
                    "1: + `sid` for `111122223333`",
                    "leftover 2: - `sid` for `111122223333`",
                ],
            ),
            (
                "rollback of an Update that had succeeded",
                &format!("{LAYER}:2#sid"),
                &json!({}),
                &version_2,
                vec!["1: + `sid` for `111122223333`"],
            ),
            (
                "old properties that do not parse",
                id.as_str(),
                &json!({}),
                &json!({"Principal": ""}),
                vec!["1: + `sid` for `111122223333`"],
            ),
        ] {
            let intent = intent("Update", id, new, old).expect(name);
            assert_eq!(goals(&intent), expected, "{name}");
        }
    }

    #[test]
    fn a_grant_for_all_versions_is_about_the_layer() {
        let all = json!({"Versions": "All"});
        let next = json!({"Versions": "All", "LayerVersionArn": format!("{LAYER}:2")});
        let derived = json!({"Versions": "All", "StatementId": "derived"});
        let (layer, version) = (format!("{LAYER}#sid"), format!("{LAYER}:1#sid"));
        for (name, kind, id, new, old, expected) in [
            (
                "publish",
                "Update",
                &layer,
                &next,
                &all,
                vec!["All: + `sid` for `111122223333` - `sid` for `111122223333`"],
            ),
            (
                "delete",
                "Delete",
                &layer,
                &all,
                &json!({}),
                vec!["All: - `sid` for `111122223333`"],
            ),
            (
                "delete what came before",
                "Delete",
                &version,
                &all,
                &json!({}),
                vec!["1: - `sid` for `111122223333`"],
            ),
            (
                "from one version",
                "Update",
                &version,
                &derived,
                &json!({}),
                vec!["All: + `derived` for `111122223333`"],
            ),
            (
                "rollback to one version",
                "Update",
                &version,
                &json!({}),
                &derived,
                vec![
                    "1: + `sid` for `111122223333`",
                    "leftover All: - `derived` for `111122223333`",
                ],
            ),
            (
                "rollback of what was refused",
                "Update",
                &version,
                &json!({}),
                &all,
                vec!["1: + `sid` for `111122223333`"],
            ),
        ] {
            let intent = intent(kind, id, new, old).expect(name);
            assert_eq!(goals(&intent), expected, "{name}");
        }
        for (id, new, old) in [(&version, &all, &json!({})), (&layer, &json!({}), &all)] {
            assert_eq!(
                intent("Update", id, new, old)
                    .expect_err("shared")
                    .to_string(),
                "statement shared with the grant that is replaced: got `sid` in both, give another `StatementId` or leave it \
                 out"
            );
        }
    }

    #[test]
    fn a_grant_does_not_share_a_statement_with_the_one_that_it_replaces() {
        let list = json!({"Principal": null, "Principals": "111122223333", "StatementId": "team"});
        let one = json!({"StatementId": "team-111122223333"});
        let shared = intent("Update", &format!("{LAYER}:1#team"), &one, &list);
        assert_eq!(
            shared.expect_err("shared").to_string(),
            "statement shared with the grant that is replaced: got `team-111122223333` in both, give another `StatementId` or \
             leave it out"
        );
    }

    #[test]
    fn a_delete_of_a_list_under_a_derived_id_takes_whatever_goes_by_it() {
        let list = json!({"Principal": null, "StatementId": null, "Principals": "111122223333"});
        let created = intent("Create", "", &list, &list).expect("an intent");
        for (id, of_one) in [
            (created.physical_id, false),
            (format!("{LAYER}:1#another"), true),
        ] {
            let deleted = intent("Delete", &id, &list, &list).expect("an intent");
            let goals = deleted.goals.expect("goals");
            assert_eq!(goals.each.unwanted[0].principal().is_some(), of_one);
        }
    }

    #[test]
    fn the_role_of_properties_that_cannot_be_read_is_used_if_it_can_be_read_itself() {
        let role = "arn:aws:iam::123456789012:role/share";
        let foreign = "arn:aws:iam::111122223333:role/share";
        for (properties, found) in [
            (json!({"RoleArn": role}), Some(role)),
            (json!({"RoleArn": role, "Principal": ""}), Some(role)),
            (json!({"RoleArn": foreign, "Principal": ""}), None),
            (json!({"RoleArn": "share", "Principal": ""}), None),
        ] {
            let intent = intent("Delete", &format!("{LAYER}:1#sid"), &properties, &json!({}));
            let goals = intent.expect("an intent").goals.expect("goals");
            assert_eq!(
                goals.role.map(|role| role.to_string()).as_deref(),
                found,
                "{properties}"
            );
        }
    }

    #[test]
    fn a_list_keeps_its_id_when_it_changes() {
        let list = |principals: &str| json!({"Principal": null, "Principals": principals});
        let (new, old) = (list("111122223333,*"), list("111122223333,444455556666"));
        let id = format!("{LAYER}:1#sid");
        let intent = intent("Update", &id, &new, &old).expect("an intent");
        assert_eq!(
            goals(&intent),
            [
                "1: + `sid-111122223333` for `111122223333` + `sid-public` for `*` - `sid-111122223333` for \
                 `111122223333` - `sid-444455556666` for `444455556666`"
            ]
        );
        assert!(
            intent
                .attributes
                .contains(&("StatementIds", "sid-111122223333,sid-public".into()))
        );
    }

    #[test]
    fn a_revision_is_demanded_for_another_id_until_it_is_spent() {
        let (r1, r2) = (json!({"RevisionId": "r1"}), json!({"RevisionId": "r2"}));
        let (same, other) = (format!("{LAYER}:1#sid"), format!("{LAYER}:2#sid"));
        for (kind, id, new, old, demanded) in [
            ("Create", "", &r1, &json!({}), Some("r1")),
            ("Update", &other, &r2, &r1, Some("r2")),
            ("Update", &other, &r1, &r1, None),
            ("Update", &same, &r2, &r1, None),
            ("Update", &same, &r1, &json!({}), None),
        ] {
            let intent = intent(kind, id, new, old).expect("an intent");
            let demand = intent
                .goals
                .as_ref()
                .and_then(|goals| goals.each.revision_id.as_deref());
            assert_eq!(demand, demanded, "{kind} {id} {new} {old}");
        }
    }

    #[test]
    fn a_grant_for_all_versions_shares_its_statement_with_any_version_of_the_same_layer_only() {
        let other = LAYER.replace("my-layer", "other");
        for (layer, is_shared) in [(LAYER, true), (other.as_str(), false)] {
            let all = json!({"Versions": "All", "LayerVersionArn": format!("{layer}:2")});
            let intent = intent("Update", &format!("{LAYER}:1#sid"), &all, &json!({}));
            assert_eq!(intent.is_err(), is_shared, "{layer}");
        }
    }

    #[test]
    fn what_a_rollback_clears_away_is_among_the_versions_that_are_worked_on() {
        let version = format!("{LAYER}:1#sid");
        let (all, one) = (json!({"Versions": "All"}), json!({}));
        let derived = json!({"Versions": "All", "StatementId": "derived"});
        for (name, new, old, for_all) in [
            ("one version", &one, &one, false),
            ("all versions", &all, &all, true),
            ("a rollback from all versions", &one, &derived, true),
        ] {
            let id = if *new == all {
                format!("{LAYER}#sid")
            } else {
                version.clone()
            };
            let intent = intent("Update", &id, new, old).expect(name);
            assert_eq!(intent.is_for_all_versions(), for_all, "{name}");
        }
    }

    #[test]
    fn only_a_list_under_a_derived_id_goes_by_its_id_alone() {
        for (changes, by_id_alone) in [
            (json!({"StatementId": null}), false),
            (
                json!({"StatementId": null, "Principal": null, "Principals": "*"}),
                true,
            ),
            (json!({"Principal": null, "Principals": "*"}), false),
        ] {
            let created = intent("Create", "", &changes, &changes).expect("an intent");
            let id = created.physical_id;
            let goals = intent("Delete", &id, &changes, &changes)
                .expect("an intent")
                .goals;
            let [unwanted] = &goals.expect("goals").each.unwanted[..] else {
                panic!("one statement: {changes}")
            };
            assert_eq!(unwanted.principal().is_none(), by_id_alone, "{changes}");
        }
    }

    #[test]
    fn the_goals_of_all_versions_tell_which_one_the_resource_names() {
        let next = json!({"Versions": "All", "LayerVersionArn": format!("{LAYER}:2")});
        let intent = intent("Create", "", &next, &next).expect("an intent");
        let named = intent.goals.and_then(|goals| goals.named);
        assert_eq!(
            named.map(|named| named.to_string()),
            Some(format!("{LAYER}:2"))
        );
    }

    const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:f";

    #[test]
    fn a_grant_out_of_reach_is_refused_and_a_delete_revokes_what_may_have_been_granted() {
        for (partition, region, account, is_granted, is_revoked) in [
            ("aws", "eu-west-1", "123456789012", true, true),
            ("aws", "us-east-1", "210987654321", true, true),
            ("aws-cn", "eu-west-1", "123456789012", false, true),
            ("aws-cn", "eu-west-1", "210987654321", false, false),
            ("aws-cn", "cn-north-1", "123456789012", false, false),
        ] {
            let layer = format!("arn:{partition}:lambda:{region}:{account}:layer:my-layer");
            let properties = json!({"LayerVersionArn": format!("{layer}:1")});
            let within = |kind: &str, id: &str| {
                let intent = intent(kind, id, &properties, &properties).expect("an intent");
                (intent.clone(), intent.within(FUNCTION))
            };
            for (kind, id) in [("Create", ""), ("Update", &format!("{layer}:1#sid"))] {
                let (granted, found) = within(kind, id);
                assert_eq!(found.ok(), is_granted.then_some(granted), "{kind} {layer}");
            }
            for id in [&format!("{layer}:1#sid"), "sharing-Share-1A2B"] {
                let (mut revoked, found) = within("Delete", id);
                revoked.goals = revoked.goals.filter(|_| is_revoked);
                assert_eq!(found, Ok(revoked), "{id} {layer}");
            }
        }
    }

    #[test]
    fn what_a_failed_update_left_is_cleared_away_where_it_could_write() {
        for (partition, is_cleared) in [("aws", true), ("aws-cn", false)] {
            let layer = LAYER.replace("arn:aws:", &format!("arn:{partition}:"));
            let old = json!({"LayerVersionArn": format!("{layer}:2")});
            let intent = intent("Update", &format!("{LAYER}:1#sid"), &json!({}), &old);
            let mut intent = intent.expect("an intent");
            assert!(intent.leftovers.is_some(), "{layer}");
            let found = intent.clone().within(FUNCTION);
            intent.leftovers = intent.leftovers.filter(|_| is_cleared);
            assert_eq!(found, Ok(intent), "{layer}");
        }
    }

    #[test]
    fn a_delete_demands_no_revision() {
        let properties = json!({"RevisionId": "r1"});
        for id in [format!("{LAYER}:1#sid"), "sharing-Share-1A2B".to_owned()] {
            let intent = intent("Delete", &id, &properties, &json!({})).expect("an intent");
            let demanded = intent.goals.expect("goals").each.revision_id;
            assert_eq!(demanded, None, "{id}");
        }
    }

    #[test]
    fn a_delete_goes_by_the_role_of_the_properties_for_what_another_id_names_too() {
        let role = "arn:aws:iam::123456789012:role/share";
        let intent = intent(
            "Delete",
            &format!("{LAYER}:7#sid"),
            &json!({"RoleArn": role}),
            &json!({}),
        );
        let goals = intent.expect("an intent").goals.expect("goals");
        assert_eq!(
            goals.role.map(|role| role.to_string()).as_deref(),
            Some(role)
        );
    }

    #[test]
    fn a_function_permission_is_refused_and_its_delete_does_nothing() {
        let function = |kind: &str, id: &str| Request {
            resource_type: FUNCTION_PERMISSION.into(),
            ..request(kind, id, &json!({}), &json!({}))
        };
        for kind in ["Create", "Update"] {
            let refused = Intent::of(&function(kind, "")).expect_err("not served");
            assert_eq!(
                refused.to_string(),
                "resource type not served by this version: got `Custom::FunctionPermission`, use \
                 `Custom::LayerVersionPermission` for layers"
            );
        }
        let granted = format!("{LAYER}:1#sid");
        for id in ["", "sharing-Share-1A2B", &granted] {
            let delete = Intent::of(&function("Delete", id)).expect("an intent");
            assert_eq!(
                (delete.purpose, delete.goals),
                (Purpose::Revoke, None),
                "{id:?}"
            );
        }
    }

    #[test]
    fn a_delete_removes_what_its_id_names_if_it_says_what_the_properties_declare() {
        for (name, id, properties, purpose, expected) in [
            (
                "ours",
                format!("{LAYER}:7#other"),
                json!({}),
                Purpose::Revoke,
                vec!["7: - `other` for `111122223333`"],
            ),
            (
                "by the id alone",
                format!("{LAYER}:7#other"),
                json!({"Principal": ""}),
                Purpose::Revoke,
                vec!["7: - `other`"],
            ),
            (
                "an invented id",
                "sharing-Share-1A2B".to_owned(),
                json!({}),
                Purpose::RevokeEarly,
                vec!["1: - `sid` for `111122223333`"],
            ),
            (
                "an invented id and nothing to go by",
                "sharing-Share-1A2B".to_owned(),
                json!({"Principal": ""}),
                Purpose::RevokeEarly,
                vec![],
            ),
            (
                "never created",
                "never-created".to_owned(),
                json!({}),
                Purpose::Revoke,
                vec![],
            ),
        ] {
            let intent = intent("Delete", &id, &properties, &json!({})).expect(name);
            assert_eq!(
                (intent.purpose, goals(&intent)),
                (purpose, expected.into_iter().map(str::to_owned).collect()),
                "{name}"
            );
            assert_eq!(intent.physical_id, id, "{name}");
        }
    }
}
