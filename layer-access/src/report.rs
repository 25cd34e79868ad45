//! The findings, as a table for people or as JSON for programs.

use std::fmt;

use lambda_permission_provider::policy::arn::LayerVersionArn;
use lambda_permission_provider::policy::document::PolicyDocument;
use lambda_permission_provider::policy::principal::Principal;
use serde_json::{Value, json};

use crate::access::Access;
use crate::origin::Origin;

/// Who can use one layer version.
pub struct Version {
    /// The layer version.
    pub arn: LayerVersionArn,
    /// What each statement of its policy grants.
    pub access: Vec<Access>,
}

impl Version {
    /// Who can use the layer version `arn`, which has `policy`.
    pub fn new(arn: LayerVersionArn, policy: &PolicyDocument) -> Self {
        let statements = policy.statements();
        let access = statements.map(|statement| Access::new(statement, &arn));
        Self {
            access: access.collect(),
            arn,
        }
    }
}

/// Who can use each of several layer versions. It is printed as a table.
pub struct Report(pub Vec<Version>);

impl Report {
    /// Whether something is public.
    pub fn is_public(&self) -> bool {
        self.access().any(|access| access.is_public)
    }

    /// The same for a program.
    pub fn json(&self) -> Value {
        let statement = |access: &Access| {
            json!({
                "statement_id": access.statement_id,
                "principal": access.principal.as_ref().map(ToString::to_string),
                "public": access.is_public,
                "made_by_this_provider": access.origin.to_string(),
                "statement": access.statement,
            })
        };
        let version = |version: &Version| {
            let statements: Vec<Value> = version.access.iter().map(statement).collect();
            json!({"layer_version": version.arn.to_string(), "statements": statements})
        };
        let versions: Vec<Value> = self.0.iter().map(version).collect();
        json!({"public": self.is_public(), "versions": versions})
    }

    fn access(&self) -> impl Iterator<Item = &Access> {
        self.0.iter().flat_map(|version| &version.access)
    }

    /// The last line.
    fn summary(&self) -> String {
        let mut layers: Vec<_> = self.0.iter().map(|version| version.arn.layer()).collect();
        layers.dedup();
        let public = self.access().filter(|access| access.is_public).count();
        let for_everybody = match public {
            0 => "none of them for everybody".to_owned(),
            _ => format!("{public} of them for EVERYBODY"),
        };
        format!(
            "{} of {}, {}, {for_everybody}",
            counted(self.0.len(), "version"),
            counted(layers.len(), "layer"),
            counted(self.access().count(), "statement"),
        )
    }
}

/// One line of the table, and the text below it.
struct Row {
    cells: [String; 4],
    below: Option<String>,
}

impl Row {
    fn new(cells: [&str; 4]) -> Self {
        Self {
            cells: cells.map(str::to_owned),
            below: None,
        }
    }

    fn of(version: &str, access: &Access) -> Self {
        let who = match (&access.principal, access.is_public) {
            (Some(Principal::Account(account)), _) => format!("account {account}"),
            (Some(Principal::Organization(organization)), _) => {
                format!("organization {organization}")
            }
            (Some(Principal::Everyone), _) => "EVERYBODY".to_owned(),
            (Some(principal @ (Principal::Service(_) | Principal::Identity(_))), _) => {
                principal.to_string()
            }
            (None, true) => "EVERYBODY, as below".to_owned(),
            (None, false) => "as below".to_owned(),
        };
        let why = match access.origin {
            Origin::Likely => "derived id",
            Origin::Unknown => "chosen id",
            Origin::No => "other form",
        };
        let origin = format!("{}: {why}", access.origin);
        Self {
            cells: [version.to_owned(), who, access.statement_id.clone(), origin],
            below: access
                .principal
                .is_none()
                .then(|| access.statement.to_string()),
        }
    }

    fn all_of(version: &Version) -> Vec<Self> {
        let number = version.arn.version().to_string();
        match &version.access[..] {
            [] => vec![Self::new([&number, "nobody else", "", ""])],
            access => access
                .iter()
                .map(|access| Self::of(&number, access))
                .collect(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<(&Version, Vec<Row>)> = self
            .0
            .iter()
            .map(|version| (version, Row::all_of(version)))
            .collect();
        let head = Row::new(["version", "who", "statement id", "made by this provider"]);
        let mut widths = [0; 4];
        for row in rows.iter().flat_map(|(_, rows)| rows).chain([&head]) {
            for (width, cell) in widths.iter_mut().zip(&row.cells) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let line = |row: &Row| {
            let padded = row
                .cells
                .iter()
                .zip(widths)
                .map(|(cell, width)| format!("  {cell:width$}"));
            padded.collect::<String>().trim_end().to_owned()
        };
        let mut layer = None;
        for (version, rows) in &rows {
            if layer.replace(version.arn.layer()) != Some(version.arn.layer()) {
                writeln!(f, "{}\n{}", version.arn.layer(), line(&head))?;
            }
            for row in rows {
                writeln!(f, "{}", line(row))?;
                if let Some(below) = &row.below {
                    let [version, ..] = widths;
                    writeln!(f, "  {:version$}  {below}", "")?;
                }
            }
        }
        writeln!(f, "{}", self.summary())
    }
}

fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_permission_provider::policy::target::PolicyTarget;

    fn version(arn: &str, statements: &[Value]) -> Version {
        let arn: LayerVersionArn = format!("arn:aws:lambda:eu-west-1:123456789012:layer:{arn}")
            .parse()
            .unwrap();
        let statements = statements.iter().map(|statement| {
            let mut statement = statement.clone();
            statement["Effect"] = "Allow".into();
            statement["Action"] = "lambda:GetLayerVersion".into();
            statement["Resource"] = arn.to_string().into();
            statement
        });
        let document = json!({"Statement": statements.collect::<Vec<_>>()});
        let target = PolicyTarget::LayerVersion(arn.clone());
        let policy = PolicyDocument::parse(target, &document.to_string(), None);
        Version::new(arn, &policy.unwrap())
    }

    #[test]
    fn a_table_shows_each_statement_and_what_has_another_form_as_it_stands() {
        let report = Report(vec![
            version(
                "tools:2",
                &[
                    json!({"Sid": "Share-ukb5vbeuhscn5xae", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}}),
                    json!({"Sid": "old", "Principal": {"AWS": "AIDAEXAMPLE"}}),
                    json!({"Sid": "open", "Principal": {"AWS": ["111122223333", "*"]}}),
                ],
            ),
            version("tools:1", &[json!({"Sid": "public", "Principal": "*"})]),
            version("other:7", &[]),
        ]);
        assert_eq!(
            report.to_string(),
            r#"arn:aws:lambda:eu-west-1:123456789012:layer:tools
  version  who                   statement id            made by this provider
  2        account 111122223333  Share-ukb5vbeuhscn5xae  likely: derived id
  2        as below              old                     no: other form
           {"Action":"lambda:GetLayerVersion","Effect":"Allow","Principal":{"AWS":"AIDAEXAMPLE"},"Resource":"arn:aws:lambda:eu-west-1:123456789012:layer:tools:2","Sid":"old"}
  2        EVERYBODY, as below   open                    no: other form
           {"Action":"lambda:GetLayerVersion","Effect":"Allow","Principal":{"AWS":["111122223333","*"]},"Resource":"arn:aws:lambda:eu-west-1:123456789012:layer:tools:2","Sid":"open"}
  1        EVERYBODY             public                  unknown: chosen id
arn:aws:lambda:eu-west-1:123456789012:layer:other
  version  who                   statement id            made by this provider
  7        nobody else
3 versions of 2 layers, 4 statements, 2 of them for EVERYBODY
"#
        );
    }

    #[test]
    fn json_has_the_same_as_the_table() {
        let organization = json!({
            "Sid": "team", "Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}},
        });
        let report = Report(vec![version("tools:1", &[organization])]);
        let (arn, mut json) = (
            "arn:aws:lambda:eu-west-1:123456789012:layer:tools:1",
            report.json(),
        );
        let statement = json["versions"][0]["statements"][0]["statement"].take();
        assert_eq!(statement["Resource"], arn);
        assert_eq!(
            json,
            json!({
                "public": false,
                "versions": [{
                    "layer_version": arn,
                    "statements": [{
                        "statement_id": "team",
                        "principal": "o-abcdefghij",
                        "public": false,
                        "made_by_this_provider": "unknown",
                        "statement": null,
                    }],
                }],
            })
        );
    }

    #[test]
    fn a_report_is_public_if_one_statement_is() {
        let private = || {
            version(
                "tools:1",
                &[json!({"Sid": "s", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}})],
            )
        };
        let public = version("tools:2", &[json!({"Sid": "s", "Principal": "*"})]);
        assert!(!Report(vec![private()]).is_public());
        assert!(Report(vec![private(), public]).is_public());
    }
}
