//! The connections that are made ahead: to Lambda before the first event, to the bucket of the responses while Lambda's answer is
//! awaited. Where one cannot be made, everything else goes on.

use std::net::Ipv4Addr;
use std::time::Duration;

use fake_aws::api_call::Operation;
use fake_aws::events::{LAYER_VERSION, event};
use fake_aws::statements::account_statement;
use fake_aws::tls_terminator::{CaFolder, TlsTerminator};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::test_env::TestEnv;

#[tokio::test]
async fn the_connection_is_made_before_the_first_event() {
    let terminator = TlsTerminator::start().await;
    let env = connected(&terminator, &[("AWS_ENDPOINT_URL", &terminator.url())]).await;
    env.send(&event("create-account")).await.expect_success();
    env.send(&event("delete")).await.expect_success();
    assert_eq!(terminator.connections(), 1);
}

#[tokio::test]
async fn lambda_can_have_an_endpoint_of_its_own() {
    let terminator = TlsTerminator::start().await;
    let endpoints = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL_LAMBDA", &terminator.url()),
    ];
    let env = connected(&terminator, &endpoints).await;
    env.send(&event("create-account")).await.expect_success();
    assert_eq!(terminator.connections(), 1);
}

#[tokio::test]
async fn an_empty_variable_is_ignored() {
    let empty = ["AWS_ENDPOINT_URL_LAMBDA", "AWS_USE_FIPS_ENDPOINT"].map(|name| (name, ""));
    let env = TestEnv::with_variables(&empty).await;
    env.send(&event("create-account")).await.expect_success();
}

#[tokio::test]
async fn contradictory_endpoint_variables_prevent_every_call() {
    for (variable, kind) in [
        ("AWS_USE_FIPS_ENDPOINT", "FIPS"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "Dualstack"),
    ] {
        let env = TestEnv::with_variables(&[(variable, "true")]).await;
        let (timeout, create) = (Duration::from_secs(12), event("create-account"));
        let response = env.send_within(timeout, &create).await;
        let expected =
            format!("Invalid Configuration: {kind} and custom endpoint are not supported");
        assert!(
            response.reason().contains(&expected),
            "{}",
            response.reason()
        );
        assert!(env.statements().is_empty());
    }
}

#[tokio::test]
async fn a_function_that_cannot_reach_lambda_starts() {
    // It accepts connections, and never responds.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("https://{}", silent.local_addr().unwrap());
    let env = TestEnv::with_variables(&[("AWS_ENDPOINT_URL", &url)]).await;
    let never_created = event("delete").delete_of("never-created");
    env.send(&never_created).await.expect_success();
}

#[tokio::test]
async fn a_create_in_an_unreachable_region_leaves_nothing_to_delete() {
    let unreachable = ("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let env = TestEnv::with_variables(&[unreachable]).await;
    let response = env
        .send_within(Duration::from_secs(4), &event("create-account"))
        .await;
    response.expect_failed();
    assert_eq!(response.id(), "never-created");
}

#[tokio::test]
async fn the_bucket_is_connected_while_lambda_answers_and_once_for_events_in_a_row() {
    let terminator = TlsTerminator::start().await;
    let (env, _authority) = with_bucket(&terminator).await;
    terminator.forward_to(env.bucket.address);
    let delay = Duration::from_secs(2);
    env.lambda.state().delays.insert(Operation::Get, delay);
    let create = event("create-account");
    let handled = async { env.send(&create).await.expect_success().to_owned() };
    let connected = async {
        while env.bucket.state().only_connected == 0 {
            sleep(Duration::from_millis(10)).await;
        }
        assert!(env.lambda.take_calls().is_empty(), "Lambda has answered");
    };
    let (_, connected) = tokio::join!(handled, timeout(delay, connected));
    connected.expect("a connection while Lambda answers");
    env.lambda.state().delays.clear();
    env.send(&event("delete")).await.expect_success();
    assert_eq!(env.bucket.state().only_connected, 1);
    assert_eq!(terminator.connections(), 1);
}

#[tokio::test]
async fn a_response_without_a_call_before_it_makes_its_own_connection() {
    let terminator = TlsTerminator::start().await;
    let (env, _authority) = with_bucket(&terminator).await;
    terminator.forward_to(env.bucket.address);
    let never_created = event("delete").delete_of("never-created");
    env.send(&never_created).await.expect_success();
    assert_eq!(env.bucket.state().only_connected, 0);
    assert_eq!(terminator.connections(), 1);
}

#[tokio::test]
async fn the_work_does_not_wait_for_a_bucket_that_does_not_answer() {
    let terminator = TlsTerminator::start().await;
    let (env, _authority) = with_bucket(&terminator).await;
    let another = account_statement(LAYER_VERSION, "another", "999988887777");
    env.put_statement(another);
    for (event, number) in [(event("create-account"), 2), (event("delete"), 1)] {
        let event = env.presign(&event);
        // Less than half of it is for the work.
        let (_, puts) = env.deliver(&event, Duration::from_secs(2)).await;
        assert!(puts.is_empty(), "{puts:?}");
        assert_eq!(env.statements().len(), number);
    }
    assert_eq!(env.bucket.state().only_connected, 0);
}

#[tokio::test]
async fn a_response_waits_a_second_for_the_connection_and_makes_its_own_then() {
    let terminator = TlsTerminator::start().await;
    let (env, _authority) = with_bucket(&terminator).await;
    let create = event("create-account");
    let answers_late = async {
        sleep(Duration::from_secs(3)).await;
        terminator.forward_to(env.bucket.address);
    };
    let (response, ()) = tokio::join!(env.send(&create), answers_late);
    response.expect_success();
    assert_eq!(terminator.connections(), 2);
}

#[tokio::test]
async fn a_bucket_without_tls_is_not_connected_ahead() {
    let env = TestEnv::start().await;
    env.send(&event("create-account")).await.expect_success();
    assert_eq!(env.bucket.state().only_connected, 0);
}

/// A function whose responses go to the bucket through `terminator`, and the bundle that it trusts.
async fn with_bucket(terminator: &TlsTerminator) -> (TestEnv, CaFolder) {
    let folder = terminator.ca_folder();
    let (hosts, bundle) = (terminator.url(), folder.path("ca.pem"));
    let variables = [
        ("RESPONSE_HOSTS", hosts.as_str()),
        ("AWS_CA_BUNDLE", bundle.as_str()),
    ];
    let mut env = TestEnv::with_variables_only(&variables).await;
    env.bucket.origin = terminator.url();
    (env, folder)
}

/// A function with these variables that has made its connection to Lambda, which is behind `terminator`.
async fn connected(terminator: &TlsTerminator, variables: &[(&str, &str)]) -> TestEnv {
    let folder = terminator.ca_folder();
    let authority = folder.path("ca.pem");
    let trusted = [("AWS_CA_BUNDLE", authority.as_str())];
    let env = TestEnv::with_variables(&[variables, &trusted].concat()).await;
    terminator.forward_to(env.lambda.address);
    let made = async {
        while terminator.connections() == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), made).await.unwrap();
    env
}
