//! Which layer versions and functions of a region are looked at.

use std::collections::BTreeSet;

use super::{AuditError, Progress, read_each};
use crate::inventory::Region;
use crate::policy::arn::LayerArn;
use crate::policy::function_arn::FunctionArn;
use crate::policy::target::{PolicyTarget, TargetSet};

/// The targets of the region among `selection`, or all of them where that is empty. A mistyped ARN must not look safe: Lambda responds
/// alike for one without a policy and for one that does not exist.
pub(super) async fn targets(
    region: &Region,
    selection: &[TargetSet],
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<PolicyTarget>, AuditError> {
    let of_region: Vec<&TargetSet> = selection
        .iter()
        .filter(|set| set.location().region() == region.name)
        .collect();
    if !selection.is_empty() && of_region.is_empty() {
        return Ok(Vec::new());
    }
    let is_all = selection.is_empty();
    let mut found = layer_versions(region, &of_region, is_all, progress).await?;
    if is_all || of_region.iter().any(|set| set.function().is_some()) {
        found.extend(functions(region, &of_region, is_all, progress).await?);
    }
    for set in of_region {
        if !found.iter().any(|target| is_selected(target, set)) {
            let kind = match set {
                TargetSet::One(target) => target.kind(),
                TargetSet::AllVersions(_) => "layer",
            };
            let (given, found) = (set.to_string(), found.len());
            return Err(AuditError::NoSuch { kind, given, found });
        }
    }
    found.retain(|target| is_all || selection.iter().any(|set| is_selected(target, set)));
    Ok(found)
}

/// Whether `target` is in `set`: a function includes its versions and aliases.
fn is_selected(target: &PolicyTarget, set: &TargetSet) -> bool {
    match (target, set.function()) {
        (PolicyTarget::Function(function), Some(selected)) => {
            function == selected
                || selected.qualifier().is_none() && function.is_same_function(selected)
        }
        _ => set.overlaps(&TargetSet::One(target.clone())),
    }
}

async fn layer_versions(
    region: &Region,
    selection: &[&TargetSet],
    is_all: bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<PolicyTarget>, AuditError> {
    let layers: BTreeSet<LayerArn> = if is_all {
        region.layers().await?.into_iter().collect()
    } else {
        selection.iter().filter_map(|set| layer_of(set)).collect()
    };
    let mut found = Vec::new();
    let list = async |layer: LayerArn| region.versions(&layer).await;
    let add = |versions| found.extend::<Vec<PolicyTarget>>(versions);
    read_each(layers, "layers listed", progress, list, add).await?;
    Ok(found)
}

fn layer_of(set: &TargetSet) -> Option<LayerArn> {
    match set {
        TargetSet::AllVersions(layer) => Some(layer.clone()),
        TargetSet::One(PolicyTarget::LayerVersion(version)) => Some(version.layer().clone()),
        TargetSet::One(PolicyTarget::Function(_)) => None,
    }
}

/// The functions with their versions and aliases, each of which has a policy of its own.
async fn functions(
    region: &Region,
    selection: &[&TargetSet],
    is_all: bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<PolicyTarget>, AuditError> {
    let is_of_selected = |function: &FunctionArn| {
        let mut selected = selection.iter().filter_map(|set| set.function());
        is_all || selected.any(|selected| selected.is_same_function(function))
    };
    let mut listed = region.functions().await?;
    listed.retain(is_of_selected);
    let unqualified: BTreeSet<FunctionArn> = listed
        .iter()
        .map(|function| function.clone().with_qualifier(None))
        .collect();
    let list = async |function: FunctionArn| region.aliases(&function).await;
    let add = |aliases| listed.extend::<Vec<FunctionArn>>(aliases);
    read_each(unqualified, "functions listed", progress, list, add).await?;
    let found: BTreeSet<FunctionArn> = listed.into_iter().collect();
    Ok(found.into_iter().map(PolicyTarget::Function).collect())
}
