//! The hosts that responses are sent to: CloudFormation's own bucket and those that the operator configures, no others.

use std::time::Duration;

use fake_aws::events::{ACCOUNT, Event, LAYER_VERSION, event};
use fake_aws::https_proxy::HttpsProxy;
use fake_aws::runtime_api::Outcome;
use fake_aws::statements::account_statement;
use serde_json::Value;

use crate::test_env::TestEnv;

/// Enough for the work; a response that the proxy denies is retried until the deadline.
const SHORT: Duration = Duration::from_secs(2);

/// The host of the URLs that CloudFormation sends, and one of them, without an expiry.
const S3: &str = "cloudformation-custom-resource-response-euwest1.s3-eu-west-1.amazonaws.com:443";
const S3_URL: &str = "https://cloudformation-custom-resource-response-euwest1.s3-eu-west-1.amazonaws.com/arn%3Aaws%3Ak?Signature=s";

fn not_allowed(shown: &str) -> String {
    format!(
        "`ResponseURL` not allowed: got `{shown}?***`, have the provider's operator add its domain to `ResponseHosts` if stacks should get responses there"
    )
}

fn sent_to(url: &str) -> Event {
    event("create-account").with("ResponseURL", url)
}

/// Delivers the event as it is to a function in eu-west-1, behind a proxy that denies every connection: the outcome, and the
/// hosts that it was asked to connect to.
async fn deliver(hosts: Option<&str>, event: &Event) -> (TestEnv, Outcome, Vec<String>) {
    let proxy = HttpsProxy::start().await;
    let url = proxy.url();
    let mut variables = vec![("HTTPS_PROXY", url.as_str())];
    variables.extend(hosts.map(|hosts| ("RESPONSE_HOSTS", hosts)));
    let env = TestEnv::with_variables_only(&variables).await;
    let outcome = env.runtime.invoke(event.0.to_string(), SHORT).await;
    (env, outcome, proxy.take_targets())
}

/// The reasons of the lines with this message, each of which is an error.
fn reasons(log: &[Value], message: &str) -> Vec<String> {
    let lines = log.iter().filter(|line| line["message"] == message);
    lines
        .map(|line| {
            assert_eq!(line["level"], "ERROR", "{line}");
            line["reason"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[tokio::test]
async fn a_response_is_sent_to_the_bucket_of_cloudformation_in_the_region() {
    let bucket = S3.split('.').next().unwrap();
    let path_style = format!("https://s3.eu-west-1.amazonaws.com/{bucket}/k?Signature=s");
    let dual_stack = format!("{bucket}.s3.dualstack.eu-west-1.amazonaws.com:443");
    let cases = [
        (sent_to(S3_URL), S3),
        (sent_to(&path_style), "s3.eu-west-1.amazonaws.com:443"),
        (sent_to(&format!("https://{dual_stack}/k")), &dual_stack),
    ];
    for (event, host) in cases {
        for hosts in [None, Some("")] {
            let (_env, outcome, requested_hosts) = deliver(hosts, &event).await;
            assert_eq!(requested_hosts, [host], "{hosts:?}: {outcome:?}");
            assert!(matches!(outcome, Outcome::Err(_)), "{outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_response_url_of_another_host_gets_no_response_no_grant_and_no_retry() {
    let own = S3.trim_end_matches(":443");
    let cases = [
        (
            None,
            "https://evilamazonaws.com/k?Signature=s",
            "evilamazonaws.com",
        ),
        (
            None,
            "https://amazonaws.com.evil.example/k",
            "amazonaws.com.evil.example",
        ),
        (
            None,
            "https://s3.amazonaws.com@evil.example/k",
            "evil.example",
        ),
        (None, "https://b.s3.amazonaws.com/k", "b.s3.amazonaws.com"),
        (
            None,
            "https://a.execute-api.eu-west-1.amazonaws.com/k",
            "a.execute-api.eu-west-1.amazonaws.com",
        ),
        (None, "https://127.0.0.1:9/k", "127.0.0.1"),
        (
            None,
            &S3_URL.replace(":443", "").replace("euwest1.", "uswest2."),
            &own.replace("euwest1.", "uswest2."),
        ),
        (None, &S3_URL.replace("https://", "https://user:pw@"), own),
        (None, &S3_URL.replace(".com/", ".com:22/"), own),
        (Some("http://127.0.0.1"), S3_URL, own),
        (
            Some("engine.example"),
            "https://evilengine.example/k",
            "evilengine.example",
        ),
        (
            Some("engine.example"),
            "https://engine.example:4566/k",
            "engine.example",
        ),
        (
            Some("engine.example:4566"),
            "https://engine.example/k",
            "engine.example",
        ),
        (
            Some("engine.example"),
            "https://user@engine.example/k",
            "engine.example",
        ),
    ];
    for (hosts, url, shown) in cases {
        let (mut env, outcome, host) = deliver(hosts, &sent_to(url)).await;
        assert_eq!(outcome, Outcome::Ok, "{url}");
        assert_eq!(host, [""; 0], "{url}");
        assert_eq!(env.lambda.take_calls(), [""; 0], "{url}");
        let log = env.stop();
        let not_allowed = not_allowed(&format!("https://{shown}"));
        assert_eq!(reasons(&log, "response not sent"), [not_allowed], "{url}");
        let metrics = log.last().unwrap();
        let counted = ["Unanswerable", "Refusals", "Failures"].map(|name| metrics[name].as_u64());
        assert_eq!(counted, [Some(1); 3], "{url}");
    }
}

#[tokio::test]
async fn a_configured_host_gets_responses_over_tls_only_unless_configured_with_http() {
    for hosts in ["http://127.0.0.1", "http://localhost, http://127.0.0.1/"] {
        let env = TestEnv::with_variables_only(&[("RESPONSE_HOSTS", hosts)]).await;
        env.send(&event("create-account")).await.expect_success();
    }
    for hosts in [
        "127.0.0.1",
        "localhost",
        "amazonaws.com",
        "http://127.0.0.1:1",
    ] {
        let mut env = TestEnv::with_variables_only(&[("RESPONSE_HOSTS", hosts)]).await;
        let presigned = env.presign(&event("create-account"));
        let (outcome, puts) = env.deliver(&presigned, Duration::from_mins(1)).await;
        assert_eq!(outcome, Outcome::Ok, "{hosts}");
        assert!(puts.is_empty(), "{puts:?}");
        assert_eq!(env.statements(), [] as [Value; 0]);
        assert_eq!(
            reasons(&env.stop(), "response not sent"),
            [not_allowed("http://127.0.0.1")]
        );
    }
    for (hosts, host) in [
        ("engine.example", "s3.engine.example:443"),
        ("engine.example:4566", "s3.engine.example:4566"),
        ("https://engine.example:4566/", "s3.engine.example:4566"),
    ] {
        let own = sent_to(&format!("https://{host}/k"));
        let (_env, outcome, requested_hosts) = deliver(Some(hosts), &own).await;
        assert_eq!(requested_hosts, [host], "{outcome:?}");
    }
}

#[tokio::test]
async fn the_port_of_a_configured_host_must_match() {
    for hosts in [
        "http://{bucket}",
        "http://{bucket}/",
        "localhost, http://{bucket}",
    ] {
        let env = TestEnv::with_variables_only(&[("RESPONSE_HOSTS", hosts)]).await;
        env.send(&event("create-account")).await.expect_success();
    }
    for hosts in ["{bucket}", "https://{bucket}"] {
        let env = TestEnv::with_variables_only(&[("RESPONSE_HOSTS", hosts)]).await;
        let presigned = env.presign(&event("create-account"));
        let (outcome, puts) = env.deliver(&presigned, Duration::from_mins(1)).await;
        assert_eq!((outcome, puts.len()), (Outcome::Ok, 0), "{hosts}");
    }
}

#[tokio::test]
async fn a_delete_revokes_even_if_its_response_host_is_not_allowed() {
    let mut env = TestEnv::with_variables_only(&[]).await;
    env.put_statement(account_statement(LAYER_VERSION, "partner", ACCOUNT));
    let presigned = env.presign(&event("delete"));
    let (outcome, puts) = env.deliver(&presigned, Duration::from_mins(1)).await;
    assert_eq!(outcome, Outcome::Ok);
    assert!(puts.is_empty(), "{puts:?}");
    assert_eq!(env.statements(), [] as [Value; 0]);
    assert_eq!(
        reasons(&env.stop(), "response not sent"),
        [not_allowed("http://127.0.0.1")]
    );
    // Nor is a connection made there.
    let delete = event("delete").with("ResponseURL", "https://evil.example/k");
    let (env, outcome, requested_hosts) = deliver(None, &delete).await;
    assert_eq!(outcome, Outcome::Ok);
    assert_eq!(requested_hosts, [""; 0]);
    assert_eq!(env.lambda.take_calls(), ["Get: 404"]);
}

#[tokio::test]
async fn invalid_response_hosts_allow_the_bucket_of_cloudformation_and_no_grant() {
    let reason = "invalid guardrail: got `RESPONSE_HOSTS` with `ftp://x`, have the provider's operator give hosts or DNS suffixes, each perhaps after `http://` and with a port, with commas between";
    for hosts in ["ftp://x", "http://127.0.0.1,ftp://x"] {
        let create = sent_to(S3_URL);
        let (mut env, outcome, host) = deliver(Some(hosts), &create).await;
        assert_eq!(host, [S3], "{hosts}: {outcome:?}");
        assert_eq!(env.lambda.take_calls(), [""; 0], "{hosts}");
        let log = env.stop();
        let answering = log
            .iter()
            .find(|line| line["message"] == "sending response");
        assert_eq!(answering.unwrap()["reason"], reason);
        let at_start = &log[0];
        assert_eq!(
            [
                &at_start["level"],
                &at_start["message"],
                &at_start["reason"]
            ],
            ["WARN", "guardrail not loaded", reason]
        );
        let delete = event("delete").with("ResponseURL", S3_URL);
        let (env, outcome, host) = deliver(Some(hosts), &delete).await;
        assert_eq!(host, [S3], "{hosts}: {outcome:?}");
        assert_eq!(env.lambda.take_calls(), ["Get: 404"], "{hosts}");
        // The log line of a response that is not sent has the reason as well.
        let other_host = sent_to("https://evil.example/k");
        let (mut env, _, _) = deliver(Some(hosts), &other_host).await;
        let expected = format!("{}; {reason}", not_allowed("https://evil.example"));
        assert_eq!(reasons(&env.stop(), "response not sent"), [expected]);
    }
}
