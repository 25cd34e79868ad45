//! The connection to Lambda: made before the first event asks for it, and missed by nobody where it cannot be made.
//! Refuses to know what is called.

use std::net::Ipv4Addr;
use std::time::Duration;

use fake_aws::events::event;
use fake_aws::tls_terminator::TlsTerminator;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::stage::Stage;

#[tokio::test]
async fn the_first_event_finds_the_connection_made() {
    let front = TlsTerminator::start().await;
    let stage = connected(&front, &[("AWS_ENDPOINT_URL", &front.url())]).await;
    stage.play(&event("create-account")).await.succeeded();
    stage.play(&event("delete")).await.succeeded();
    assert_eq!(front.connections(), 1);
}

#[tokio::test]
async fn lambda_may_be_elsewhere_than_the_rest_of_aws() {
    let front = TlsTerminator::start().await;
    let elsewhere = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL_LAMBDA", &front.url()),
    ];
    let stage = connected(&front, &elsewhere).await;
    stage.play(&event("create-account")).await.succeeded();
    assert_eq!(front.connections(), 1);
}

#[tokio::test]
async fn a_variable_that_is_empty_says_nothing() {
    let empty = ["AWS_ENDPOINT_URL_LAMBDA", "AWS_USE_FIPS_ENDPOINT"].map(|name| (name, ""));
    let stage = Stage::with_environment(&empty).await;
    stage.play(&event("create-account")).await.succeeded();
}

#[tokio::test]
async fn nothing_is_called_where_another_endpoint_is_asked_for_than_is_named() {
    for (variable, kind) in [
        ("AWS_USE_FIPS_ENDPOINT", "FIPS"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "Dualstack"),
    ] {
        let stage = Stage::with_environment(&[(variable, "true")]).await;
        let (timeout, create) = (Duration::from_secs(12), event("create-account"));
        let answer = stage.play_within(timeout, &create).await;
        let said = format!("Invalid Configuration: {kind} and custom endpoint are not supported");
        assert!(answer.reason().contains(&said), "{}", answer.reason());
        assert!(stage.statements().is_empty());
    }
}

#[tokio::test]
async fn a_function_without_a_way_to_lambda_starts() {
    // It takes connections, and never says a word.
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("https://{}", nobody.local_addr().unwrap());
    let stage = Stage::with_environment(&[("AWS_ENDPOINT_URL", &url)]).await;
    let never_created = event("delete").delete_of("never-created");
    stage.play(&never_created).await.succeeded();
}

/// A function with these variables that has made its connection to Lambda, which is behind `front`.
async fn connected(front: &TlsTerminator, variables: &[(&str, &str)]) -> Stage {
    let folder = front.ca_folder();
    let authority = folder.path("ca.pem");
    let trusted = [("AWS_CA_BUNDLE", authority.as_str())];
    let stage = Stage::with_environment(&[variables, &trusted].concat()).await;
    front.forward_to(stage.lambda.address);
    let made = async {
        while front.connections() == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), made).await.unwrap();
    stage
}
