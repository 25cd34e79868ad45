//! Malformed responses of Lambda, as from a proxy or a lost connection: a write may have taken effect, and a read is retried.

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, LAYER_VERSION, event};
use fake_aws::statements::{account_statement, public_statement};
use serde_json::Value;

use crate::test_env::TestEnv;

const HTML: &str = "<html><body>Please log in.</body></html>";

/// Bodies that are not a response of Lambda.
const BODIES: [&str; 6] = [
    HTML,
    "",
    "{\"Statement\": \"{\\\"Sid\\\":\\\"part",
    "{}",
    "[]",
    "{\"Statement\": \"no JSON\", \"RevisionId\": \"r\"}",
];

#[tokio::test]
async fn a_write_with_a_malformed_response_is_verified() {
    for body in BODIES {
        for status in [200, 201] {
            for name in ["create-account", "create-list"] {
                let env = TestEnv::start().await;
                env.lambda
                    .inject(Operation::Add, [Fault::RespondsWith(status, body)]);
                let create = event(name);
                let id = env.send(&create).await.expect_success().to_owned();
                env.send(&create.delete_of(&id)).await.expect_success();
                assert_eq!(env.statements(), [] as [Value; 0], "{name} {status} {body}");
            }
        }
    }
}

#[tokio::test]
async fn a_write_without_effect_and_with_a_malformed_response_is_retried() {
    for body in BODIES {
        let env = TestEnv::start().await;
        env.put_statement(public_statement(LAYER_VERSION, "other"));
        env.lambda
            .inject(Operation::Add, [Fault::RespondsWithoutEffect(201, body)]);
        env.send(&event("create-account")).await.expect_success();
        assert_eq!(env.statements().len(), 2, "{body}");
    }
}

/// Statuses of a proxy or a gateway, without an error code of Lambda.
const STATUSES: [u16; 7] = [302, 400, 403, 404, 407, 413, 421];

#[tokio::test]
async fn an_error_without_a_code_is_not_from_lambda_and_is_retried() {
    for status in STATUSES {
        for body in [HTML, "", r#"{"message":"Not Found"}"#] {
            let done = Fault::RespondsWith(status, body);
            let not_done = Fault::RespondsWithoutEffect(status, body);
            for (name, operation, fault) in [
                ("create-account", Operation::Add, &done),
                ("create-account", Operation::Add, &not_done),
                ("create-list", Operation::Add, &done),
                ("create-account", Operation::Get, &not_done),
                ("delete", Operation::Get, &not_done),
                ("delete", Operation::Remove, &done),
                ("delete", Operation::Remove, &not_done),
                ("update-fixed-statement-id", Operation::Remove, &done),
                ("update-fixed-statement-id", Operation::Add, &done),
            ] {
                let env = TestEnv::start().await;
                env.put_statement(public_statement(LAYER_VERSION, "other"));
                if !name.starts_with("create") {
                    env.put_statement(account_statement(LAYER_VERSION, "partner", ACCOUNT));
                }
                env.lambda.inject(operation, [fault.clone()]);
                env.send(&event(name)).await.expect_success();
                let left = match name {
                    "delete" => 1,
                    "create-list" => 4,
                    _ => 2,
                };
                assert_eq!(env.statements().len(), left, "{name} {fault:?}");
            }
        }
    }
}

#[tokio::test]
async fn json_that_is_not_a_policy_is_not_an_empty_policy() {
    for document in [
        "[]",
        "null",
        "7",
        "{}",
        r#"{"Statement":null}"#,
        r#"{"message":"service busy"}"#,
    ] {
        let env = TestEnv::start().await;
        env.put_statement(account_statement(LAYER_VERSION, "partner", ACCOUNT));
        env.lambda
            .inject(Operation::Get, [Fault::MalformedPolicy(document)]);
        env.send(&event("delete")).await.expect_success();
        assert_eq!(env.statements(), [] as [Value; 0], "{document}");
    }
}

#[tokio::test]
async fn a_statement_replacement_with_a_malformed_response_ends_with_the_new_content() {
    let env = TestEnv::start().await;
    env.put_statement(account_statement(LAYER_VERSION, "partner", ACCOUNT));
    env.lambda
        .inject(Operation::Add, [Fault::RespondsWith(201, HTML)]);
    env.send(&event("update-fixed-statement-id"))
        .await
        .expect_success();
    assert_eq!(
        env.statements(),
        [account_statement(LAYER_VERSION, "partner", "444455556666")]
    );
}

#[tokio::test]
async fn a_read_with_a_malformed_response_is_retried() {
    for name in ["create-account", "delete"] {
        for body in BODIES {
            let env = TestEnv::start().await;
            env.put_statement(account_statement(LAYER_VERSION, "partner", ACCOUNT));
            env.lambda
                .inject(Operation::Get, [Fault::RespondsWithoutEffect(200, body)]);
            env.send(&event(name)).await.expect_success();
            let left = usize::from(name != "delete");
            assert_eq!(env.statements().len(), left, "{name} {body}");
        }
    }
}

#[tokio::test]
async fn a_removal_with_a_foreign_response_is_verified() {
    let owned = account_statement(LAYER_VERSION, "partner", ACCOUNT);
    for body in BODIES {
        for fault in [
            Fault::RespondsWithoutEffect(200, body),
            Fault::RespondsWith(200, body),
            Fault::RespondsWithoutEffect(202, body),
        ] {
            let env = TestEnv::start().await;
            env.put_statement(owned.clone());
            env.lambda.inject(Operation::Remove, [fault]);
            env.send(&event("delete")).await.expect_success();
            assert_eq!(env.statements(), [] as [Value; 0], "{body}");
        }
    }
}

#[tokio::test]
async fn a_malformed_list_of_versions_is_not_an_empty_list() {
    for body in [
        HTML,
        "{}",
        "{\"LayerVersions\": [{}]}",
        "{\"LayerVersions\": [{\"Version\": 0}]}",
        "{\"LayerVersions\": {}}",
    ] {
        for name in ["create-all-versions", "delete-all-versions"] {
            let env = TestEnv::start().await;
            let create = event("create-all-versions").property("LayerVersionArn", LAYER_VERSION);
            let id = env.send(&create).await.expect_success().to_owned();
            let granted = env.statements();
            assert_eq!(granted.len(), 1);
            env.lambda
                .inject(Operation::List, [Fault::RespondsWithoutEffect(200, body)]);
            if name.starts_with("create") {
                env.send(&create).await.expect_success();
                assert_eq!(env.statements(), granted, "{body}");
            } else {
                env.send(&create.delete_of(&id)).await.expect_success();
                assert_eq!(env.statements(), [] as [Value; 0], "{body}");
            }
        }
    }
}
