//! Which policies may have statements for the accounts of units: those of the resources of the stacks that import the provider's
//! `ServiceToken`, and those that the operator names.

use super::status::RefreshStatus;
use crate::cloudformation::request::PhysicalResourceId;
use crate::inventory::Region;
use crate::policy::statement_id::StatementId;
use crate::policy::target::TargetSet;
use crate::resources::physical_id::PhysicalId;

/// What a refresh looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// The policies.
    pub(super) targets: TargetSet,
    /// The statement id of the resource; any, where the operator names the policies.
    pub(super) list: Option<StatementId>,
}

/// Everything to look at. A stack that cannot be read is a problem, and none for the others.
pub(super) async fn sources(
    region: &Region,
    export: &str,
    named: &[TargetSet],
    status: &RefreshStatus,
) -> Vec<Source> {
    let named = named.iter().map(|targets| Source {
        targets: targets.clone(),
        list: None,
    });
    let mut sources: Vec<Source> = named.collect();
    let stacks = match region.importing_stacks(export).await {
        Ok(stacks) => stacks,
        Err(error) => {
            status.report(&error.without_remedy());
            return sources;
        }
    };
    for stack in stacks {
        match region.resources(&stack).await {
            Ok(resources) => {
                let complete = resources.iter().filter(|of| is_complete(&of.status));
                sources.extend(complete.filter_map(|of| source(&of.physical_id)));
            }
            Err(error) => status.report(&error.without_remedy()),
        }
    }
    sources
}

fn source(physical_id: &str) -> Option<Source> {
    let id = PhysicalResourceId::from(physical_id.to_owned());
    match PhysicalId::parse(Some(&id)) {
        PhysicalId::Granted { targets, sid } => Some(Source {
            targets,
            list: Some(sid),
        }),
        PhysicalId::NeverCreated | PhysicalId::Foreign => None,
    }
}

/// Whether no event changes the resource: its own writes and those of a refresh would undo each other.
fn is_complete(status: &str) -> bool {
    status.ends_with("_COMPLETE") && !status.starts_with("DELETE_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_complete_when_it_is_complete_and_not_deleted() {
        for (status, complete) in [
            ("CREATE_COMPLETE", true),
            ("UPDATE_COMPLETE", true),
            ("IMPORT_COMPLETE", true),
            ("UPDATE_ROLLBACK_COMPLETE", true),
            ("CREATE_IN_PROGRESS", false),
            ("UPDATE_IN_PROGRESS", false),
            ("UPDATE_FAILED", false),
            ("DELETE_COMPLETE", false),
            ("DELETE_FAILED", false),
            ("", false),
        ] {
            assert_eq!(is_complete(status), complete, "{status}");
        }
    }

    #[test]
    fn a_physical_id_names_the_policies_and_the_statement_id() {
        let arn = "arn:aws:lambda:eu-west-1:123456789012:layer:my-layer";
        for id in [format!("{arn}:1#s"), format!("{arn}#s")] {
            let source = source(&id).expect("a source");
            assert_eq!(format!("{}#s", source.targets), id);
        }
        for id in ["never-created", "bucket", "", "a#b"] {
            assert_eq!(source(id), None, "{id}");
        }
    }
}
