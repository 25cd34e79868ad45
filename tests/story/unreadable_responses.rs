//! Responses of Lambda that cannot be read, as a proxy or a cut connection leaves them: a write may have taken effect, and a
//! reading is repeated. Refuses to know other failures.

use fake_aws::api_call::Operation;
use fake_aws::api_fault::Fault;
use fake_aws::events::{ACCOUNT, LAYER_VERSION, event};
use fake_aws::statements::{account_statement, public_statement};
use serde_json::Value;

use crate::stage::Stage;

const HTML: &str = "<html><body>Please log in.</body></html>";

/// Bodies that are not what Lambda answers.
const BODIES: [&str; 6] = [
    HTML,
    "",
    "{\"Statement\": \"{\\\"Sid\\\":\\\"part",
    "{}",
    "[]",
    "{\"Statement\": \"no JSON\", \"RevisionId\": \"r\"}",
];

#[tokio::test]
async fn a_write_whose_response_cannot_be_read_is_looked_for() {
    for body in BODIES {
        for status in [200, 201] {
            for name in ["create-account", "create-list"] {
                let stage = Stage::start().await;
                stage
                    .lambda
                    .inject(Operation::Add, [Fault::RespondsWith(status, body)]);
                let create = event(name);
                let id = stage.play(&create).await.succeeded().to_owned();
                stage.play(&create.delete_of(&id)).await.succeeded();
                assert_eq!(
                    stage.statements(),
                    [] as [Value; 0],
                    "{name} {status} {body}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_write_without_effect_whose_response_cannot_be_read_is_repeated() {
    for body in BODIES {
        let stage = Stage::start().await;
        stage.put_statement(public_statement(LAYER_VERSION, "other"));
        stage
            .lambda
            .inject(Operation::Add, [Fault::RespondsWithoutEffect(201, body)]);
        stage.play(&event("create-account")).await.succeeded();
        assert_eq!(stage.statements().len(), 2, "{body}");
    }
}

/// Statuses of a proxy or a gateway: no code of Lambda comes with them.
const STATUSES: [u16; 7] = [302, 400, 403, 404, 407, 413, 421];

#[tokio::test]
async fn an_answer_without_a_code_is_not_lambdas() {
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
                let stage = Stage::start().await;
                stage.put_statement(public_statement(LAYER_VERSION, "other"));
                if !name.starts_with("create") {
                    stage.put_statement(account_statement(LAYER_VERSION, "partner", ACCOUNT));
                }
                stage.lambda.inject(operation, [fault.clone()]);
                stage.play(&event(name)).await.succeeded();
                let left = match name {
                    "delete" => 1,
                    "create-list" => 4,
                    _ => 2,
                };
                assert_eq!(stage.statements().len(), left, "{name} {fault:?}");
            }
        }
    }
}

#[tokio::test]
async fn json_that_is_no_policy_is_not_an_empty_one() {
    for document in [
        "[]",
        "null",
        "7",
        "{}",
        r#"{"Statement":null}"#,
        r#"{"message":"service busy"}"#,
    ] {
        let stage = Stage::start().await;
        stage.put_statement(account_statement(LAYER_VERSION, "partner", ACCOUNT));
        stage
            .lambda
            .inject(Operation::Get, [Fault::MalformedPolicy(document)]);
        stage.play(&event("delete")).await.succeeded();
        assert_eq!(stage.statements(), [] as [Value; 0], "{document}");
    }
}

#[tokio::test]
async fn a_swap_whose_response_cannot_be_read_ends_with_the_new_content() {
    let stage = Stage::start().await;
    stage.put_statement(account_statement(LAYER_VERSION, "partner", ACCOUNT));
    stage
        .lambda
        .inject(Operation::Add, [Fault::RespondsWith(201, HTML)]);
    stage
        .play(&event("update-fixed-statement-id"))
        .await
        .succeeded();
    assert_eq!(
        stage.statements(),
        [account_statement(LAYER_VERSION, "partner", "444455556666")]
    );
}

#[tokio::test]
async fn a_reading_whose_response_cannot_be_read_is_repeated() {
    for name in ["create-account", "delete"] {
        for body in BODIES {
            let stage = Stage::start().await;
            stage.put_statement(account_statement(LAYER_VERSION, "partner", ACCOUNT));
            stage
                .lambda
                .inject(Operation::Get, [Fault::RespondsWithoutEffect(200, body)]);
            stage.play(&event(name)).await.succeeded();
            let left = usize::from(name != "delete");
            assert_eq!(stage.statements().len(), left, "{name} {body}");
        }
    }
}

#[tokio::test]
async fn a_removal_whose_response_is_not_lambdas_is_looked_for() {
    let ours = account_statement(LAYER_VERSION, "partner", ACCOUNT);
    for body in BODIES {
        for fault in [
            Fault::RespondsWithoutEffect(200, body),
            Fault::RespondsWith(200, body),
            Fault::RespondsWithoutEffect(202, body),
        ] {
            let stage = Stage::start().await;
            stage.put_statement(ours.clone());
            stage.lambda.inject(Operation::Remove, [fault]);
            stage.play(&event("delete")).await.succeeded();
            assert_eq!(stage.statements(), [] as [Value; 0], "{body}");
        }
    }
}

#[tokio::test]
async fn a_list_of_versions_that_cannot_be_read_is_not_an_empty_one() {
    for body in [
        HTML,
        "{}",
        "{\"LayerVersions\": [{}]}",
        "{\"LayerVersions\": [{\"Version\": 0}]}",
        "{\"LayerVersions\": {}}",
    ] {
        for name in ["create-all-versions", "delete-all-versions"] {
            let stage = Stage::start().await;
            let create = event("create-all-versions").property("LayerVersionArn", LAYER_VERSION);
            let id = stage.play(&create).await.succeeded().to_owned();
            let granted = stage.statements();
            assert_eq!(granted.len(), 1);
            stage
                .lambda
                .inject(Operation::List, [Fault::RespondsWithoutEffect(200, body)]);
            if name.starts_with("create") {
                stage.play(&create).await.succeeded();
                assert_eq!(stage.statements(), granted, "{body}");
            } else {
                stage.play(&create.delete_of(&id)).await.succeeded();
                assert_eq!(stage.statements(), [] as [Value; 0], "{body}");
            }
        }
    }
}
