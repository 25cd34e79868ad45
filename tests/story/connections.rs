//! The connection to Lambda: made before the first event asks for it, and missed by nobody where it cannot be made.
//! Refuses to know what is called.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::events::event;
use crate::stage::Stage;
use crate::tls_front::TlsFront;

#[tokio::test]
async fn the_first_event_finds_the_connection_made() {
    let front = TlsFront::start().await;
    let folder = front.folder();
    let (url, authority) = (front.url(), folder.path("authority.pem"));
    let variables = [
        ("AWS_ENDPOINT_URL", url.as_str()),
        ("AWS_CA_BUNDLE", &authority),
    ];
    let stage = Stage::with_environment(&variables).await;
    front.stand_before(stage.lambda.address);
    connected(&front).await;
    stage.play(&event("create-account")).await.succeeded();
    stage.play(&event("delete")).await.succeeded();
    assert_eq!(front.connections(), 1);
}

#[tokio::test]
async fn lambda_may_be_elsewhere_than_the_rest_of_aws() {
    let front = TlsFront::start().await;
    let folder = front.folder();
    let (url, authority) = (front.url(), folder.path("authority.pem"));
    let variables = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL_LAMBDA", url.as_str()),
        ("AWS_CA_BUNDLE", &authority),
    ];
    let stage = Stage::with_environment(&variables).await;
    front.stand_before(stage.lambda.address);
    connected(&front).await;
    stage.play(&event("create-account")).await.succeeded();
    assert_eq!(front.connections(), 1);
}

#[tokio::test]
async fn nothing_is_called_where_a_fips_endpoint_is_asked_for_and_another_is_named() {
    let stage = Stage::with_environment(&[("AWS_USE_FIPS_ENDPOINT", "true")]).await;
    let (timeout, create) = (Duration::from_secs(12), event("create-account"));
    let answer = stage.play_within(timeout, &create).await;
    let said = "`Invalid Configuration: FIPS and custom endpoint are not supported`";
    assert!(answer.reason().contains(said), "{}", answer.reason());
    assert!(stage.statements().is_empty());
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

async fn connected(front: &TlsFront) {
    let made = async {
        while front.connections() == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), made).await.unwrap();
}
