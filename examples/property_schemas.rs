//! Writes the schemas of the properties of both resource types to `lint/`, for cfn-lint: `cargo run --example property_schemas`.
//! What needs two values to be compared is in `lint/lambda_permission_provider.py`.

use std::path::Path;

use lambda_permission_provider::policy::statement::{
    GET_LAYER_VERSION, INVOKE_FUNCTION, INVOKE_FUNCTION_URL,
};
use lambda_permission_provider::resources::property_reader::MAX_ENTRIES;
use lambda_permission_provider::resources::statement_id::MAX_LIST_ID_LEN;
use lambda_permission_provider::resources::{function_permission, layer_version_permission};
use serde_json::{Map, Value, json};

const ACCOUNT: &str = r"\d{12}";
const PARTITION: &str = "aws(-[a-z]+)*";
const REGION: &str = r"[a-z]{2,4}(-[a-z]+){1,2}-\d{1,2}";
const NAME: &str = "[A-Za-z0-9_-]{1,140}";
const VERSION: &str = r"[1-9]\d{0,18}";
const ORGANIZATION: &str = "o-[a-z0-9]{10,32}";
const UNIT: &str = "ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}";
const SERVICE: &str = r"[a-z0-9-]+(\.[a-z0-9-]+)+\.[a-z]+";
const IAM_NAME: &str = r"[A-Za-z0-9+=,.@_/-]+";
const QUALIFIER: &str = "[A-Za-z0-9_-]{1,128}";
/// The account id with the smallest number that YAML does not take for another one.
const MIN_ACCOUNT: u64 = 100_000_000_000;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("lint");
    for (name, text) in files() {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}

/// The files by their names, with their text.
#[must_use]
pub fn files() -> [(&'static str, String); 2] {
    [
        ("LayerVersionPermission.json", text(&layer_version())),
        ("FunctionPermission.json", text(&function())),
    ]
}

fn text(schema: &Value) -> String {
    format!("{schema:#}\n")
}

fn properties_of_layer_version() -> Map<String, Value> {
    let layer = format!("arn:{PARTITION}:lambda:{REGION}:{ACCOUNT}:layer:{NAME}");
    let principal = format!(r"{ACCOUNT}|arn:{PARTITION}:iam::{ACCOUNT}:root|\*");
    let mut properties = common();
    properties.extend(object(&json!({
        "LayerVersionArn": string(&format!("{layer}:{VERSION}"), "arn:<partition>:lambda:<region>:<account>:layer:<name>:<version>"),
        "LayerName": string(&format!("{NAME}|{layer}"), "a layer's name, or arn:<partition>:lambda:<region>:<account>:layer:<name>"),
        "VersionNumber": number(),
        "Principal": account_or(&principal, "an account id of 12 digits in quotes, arn:<partition>:iam::<account>:root or *"),
        "Principals": list(&format!("{principal}|{ORGANIZATION}|{UNIT}"), "account ids of 12 digits in quotes, organization ids, ids of organizational units, arn:<partition>:iam::<account>:root or *"),
        "OrganizationId": string(ORGANIZATION, "an organization's id: o- and 10 to 32 lower-case letters or digits"),
        "Action": {"enum": [GET_LAYER_VERSION], "description": GET_LAYER_VERSION},
        "Versions": {
            "anyOf": [{"enum": ["This", "All"]}, {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": false,
                "properties": {"From": number(), "Newest": number()},
            }],
            "description": "This, All, or From, Newest or both with positive whole numbers",
        },
    })));
    properties
}

fn layer_version() -> Value {
    json!({
        "properties": known(&layer_version_permission::properties::PROPERTIES, properties_of_layer_version()),
        "additionalProperties": false,
        "requiredXor": ["Principal", "Principals"],
        "dependentRequired": {
            "LayerName": ["VersionNumber"],
            "VersionNumber": ["LayerName"],
            "OrganizationId": ["Principal"],
            "ExternalId": ["RoleArn"],
        },
        "dependentExcluded": {"LayerVersionArn": ["LayerName", "VersionNumber"]},
        "allOf": [
            {"requiredXor": ["LayerVersionArn", "LayerName"]},
            when(&json!({"required": ["OrganizationId", "Principal"]}), &only("Principal", &json!({"enum": ["*"], "description": "*, as there is an OrganizationId"}))),
            when(&has_several_versions(), &json!({"dependentExcluded": {"Versions": ["RevisionId"]}})),
            when(&json!({"required": ["Principals", "StatementId"]}), &id_of_list()),
        ],
    })
}

fn properties_of_function() -> Map<String, Value> {
    let function =
        format!("({ACCOUNT}:function:|arn:{PARTITION}:lambda:{REGION}:{ACCOUNT}:function:)?{NAME}");
    let identity = format!(
        "arn:{PARTITION}:(iam::{ACCOUNT}:(root|(role|user)/{IAM_NAME})|sts::{ACCOUNT}:(assumed-role|federated-user)/{IAM_NAME})"
    );
    let principal = format!(r"{ACCOUNT}|\*|{SERVICE}|{identity}");
    let source = r"arn:aws[^:\s]*:[^:\s]+:[^:\s]*:(\d{12}|[^:\s]*[*?][^:\s]*)?:\S+";
    let mut properties = common();
    properties.extend(object(&json!({
        "FunctionName": string(&format!("{function}(:{QUALIFIER})?"), "a name, <name>:<alias or version> or arn:<partition>:lambda:<region>:<account>:function:<name>, and not $LATEST"),
        "Qualifier": string(QUALIFIER, "an alias or a version, and not $LATEST"),
        "Action": string(&format!(r"\*|lambda:(\*|[A-Za-z]{{1,256}})|(?i:{INVOKE_FUNCTION}(Url)?)"), "an action such as lambda:InvokeFunction"),
        "Principal": account_or(&principal, "a service as in events.amazonaws.com, an account id of 12 digits in quotes, a root, user or role ARN, or *"),
        "Principals": list(&format!("{principal}|{ORGANIZATION}|{UNIT}"), "services as in events.amazonaws.com, account ids of 12 digits in quotes, organization ids, ids of organizational units, root, user or role ARNs, or *"),
        "PrincipalOrgID": string(ORGANIZATION, "an organization's id: o- and 10 to 32 lower-case letters or digits"),
        "SourceArn": string(source, "an ARN as in arn:aws:s3:::my-bucket, perhaps with wildcards"),
        "SourceArns": list(source, "ARNs as in arn:aws:s3:::my-bucket, perhaps with wildcards"),
        "SourceAccount": account_or(ACCOUNT, "an account id of 12 digits in quotes"),
        "SourceAccounts": list(ACCOUNT, "account ids of 12 digits in quotes"),
        "EventSourceToken": string("[A-Za-z0-9._-]{1,256}", "1 to 256 letters, digits, ., _ or -"),
        "FunctionUrlAuthType": {"enum": ["NONE", "AWS_IAM"], "description": "NONE or AWS_IAM"},
        "InvokedViaFunctionUrl": {"enum": [true, false, "true", "false"], "description": "true or false"},
    })));
    properties
}

fn function() -> Value {
    json!({
        "properties": known(&function_permission::properties::PROPERTIES, properties_of_function()),
        "additionalProperties": false,
        "required": ["FunctionName"],
        "requiredXor": ["Principal", "Principals"],
        "dependentRequired": {"ExternalId": ["RoleArn"]},
        "dependentExcluded": {
            "SourceArn": ["SourceArns"],
            "SourceAccount": ["SourceAccounts"],
            "SourceArns": ["SourceAccounts"],
            "Principals": ["SourceArns", "SourceAccounts", "PrincipalOrgID"],
        },
        "allOf": conditions_of_function(),
    })
}

/// What properties of a function's permission demand of others.
fn conditions_of_function() -> Vec<Value> {
    let via_url = json!({"properties": {"InvokedViaFunctionUrl": {"enum": [true, "true"]}}, "required": ["InvokedViaFunctionUrl", "Action"]});
    let of_url_only = json!({
        "pattern": format!("^(?i:{INVOKE_FUNCTION_URL})$"),
        "description": "no Action to get both statements that a function URL needs, or lambda:InvokeFunctionUrl",
    });
    let of_function_only = json!({
        "pattern": format!("^(?i:{INVOKE_FUNCTION})$"),
        "description": "no Action to get both statements that a function URL needs, or lambda:InvokeFunction",
    });
    let is_via_url =
        json!({"enum": [true, "true"], "description": "true or nothing, without Action"});
    let without_action =
        |names: [&str; 2]| json!({"required": names, "not": {"required": ["Action"]}});
    let several = ["Principals", "SourceArns", "SourceAccounts"];
    let several = several.map(|list| json!({"required": [list, "StatementId"]}));
    vec![
        when(
            &json!({"required": ["FunctionUrlAuthType", "Action"]}),
            &only("Action", &of_url_only),
        ),
        when(&via_url, &only("Action", &of_function_only)),
        when(
            &without_action(["FunctionUrlAuthType", "InvokedViaFunctionUrl"]),
            &only("InvokedViaFunctionUrl", &is_via_url),
        ),
        when(&json!({"anyOf": several}), &id_of_list()),
        when(
            &without_action(["FunctionUrlAuthType", "StatementId"]),
            &id_of_list(),
        ),
    ]
}

/// The properties that both types have.
fn common() -> Map<String, Value> {
    let role = format!("arn:{PARTITION}:iam::{ACCOUNT}:role/{IAM_NAME}");
    object(&json!({
        "StatementId": string("[A-Za-z0-9_-]{1,100}", "1 to 100 letters, digits, - or _"),
        "RevisionId": {"type": "string", "pattern": "\\S", "description": "the RevisionId of a policy, or leave it out"},
        "RoleArn": string(&role, "arn:<partition>:iam::<account>:role/<name>"),
        "ExternalId": string("[A-Za-z0-9_+=,.@:/-]{2,1224}", "2 to 1224 letters, digits or _+=,.@:/-"),
        "Nonce": {},
    }))
}

/// The schemas of exactly these properties: one more or less would be a mistake here. Of CloudFormation's own, whose names begin with
/// `Service`, those that exist.
fn known(names: &[&str], mut properties: Map<String, Value>) -> Value {
    let each = names.iter().map(|name| {
        let schema = properties.remove(*name);
        ((*name).to_owned(), schema.unwrap_or(Value::Bool(false)))
    });
    let known: Map<String, Value> = each.collect();
    let mut of_cloudformation = object(&json!({
        "ServiceToken": {"type": "string"},
        "ServiceTimeout": {"type": ["integer", "string"], "minimum": 1, "maximum": 3600, "description": "1 to 3600 seconds"},
    }));
    // Names that the code does not know make a file that the tests reject.
    of_cloudformation.extend(properties);
    of_cloudformation.extend(known);
    Value::Object(of_cloudformation)
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn whole(pattern: &str) -> String {
    format!("^({pattern})$")
}

fn string(pattern: &str, description: &str) -> Value {
    json!({"type": "string", "pattern": whole(pattern), "description": description})
}

/// A text of this pattern, or the number of an account. YAML reads one with a leading zero as another number.
fn account_or(pattern: &str, description: &str) -> Value {
    json!({
        "type": ["string", "integer"],
        "pattern": whole(pattern),
        "minimum": MIN_ACCOUNT,
        "description": description,
    })
}

/// A list of such entries, or a text of some with commas between them.
fn list(entry: &str, description: &str) -> Value {
    json!({
        "type": ["array", "string", "integer"],
        "minItems": 1,
        "maxItems": MAX_ENTRIES,
        "items": account_or(&format!(r"\s*({entry})\s*"), description),
        "minimum": MIN_ACCOUNT,
        "pattern": whole(&format!(r"\s*({entry})\s*(,\s*({entry})\s*)*")),
        "description": description,
    })
}

fn when(condition: &Value, then: &Value) -> Value {
    json!({"if": condition, "then": then})
}

fn has_several_versions() -> Value {
    let several = json!([{"enum": ["All"]}, {"type": "object", "required": ["From"]}, {"type": "object", "required": ["Newest"]}]);
    json!({"properties": {"Versions": {"anyOf": several}}, "required": ["Versions"]})
}

fn number() -> Value {
    json!({"type": ["integer", "string"], "minimum": 1, "pattern": whole(VERSION), "description": "a positive whole number"})
}

fn only(name: &str, schema: &Value) -> Value {
    json!({"properties": {name: schema}})
}

/// What each statement of a list is for is added to its id.
fn id_of_list() -> Value {
    let most = json!({
        "maxLength": MAX_LIST_ID_LEN,
        "description": format!("at most {MAX_LIST_ID_LEN} characters for the ids of several statements"),
    });
    only("StatementId", &most)
}
