//! Serves Lambda's API for policies and the bucket of the responses to a program in another language, which controls them by
//! JSON lines: a command on stdin, its result on stdout. Ends with stdin.
//!
//! `fake-aws http` serves on two loopback ports; `fake-aws https FOLDER` under AWS's host names on port 443, where these have to
//! resolve to 127.0.0.1, and writes the root certificate to `FOLDER/root.pem`. The first line has both base URLs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first thing that is not as expected"
)]

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fake_aws::certificates::{Certificates, Keys};
use fake_aws::delays::{Delays, SharedDelays};
use fake_aws::http_server::serve_tls;
use fake_aws::lambda_api::LambdaApi;
use fake_aws::response_bucket::ResponseBucket;
use fake_aws::statements::account_statement;
use serde_json::{Value, json};

/// The layers' ARNs, up to their names.
const LAYERS: &str = "arn:aws:lambda:us-west-2:123456789012:layer";
/// The functions' ARNs, up to their names.
const FUNCTIONS: &str = "arn:aws:lambda:us-west-2:123456789012:function";
const LAMBDA_HOST: &str = "lambda.us-west-2.amazonaws.com";
const BUCKET_HOST: &str =
    "cloudformation-custom-resource-response-uswest2.s3.us-west-2.amazonaws.com";

struct FakeAws {
    lambda: LambdaApi,
    bucket: ResponseBucket,
    delays: SharedDelays,
}

#[tokio::main]
async fn main() {
    let mut fakes = FakeAws {
        lambda: LambdaApi::start().await,
        bucket: ResponseBucket::start().await,
        delays: SharedDelays::default(),
    };
    fakes.lambda.state().roles.accepts_any_credentials = true;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let lambda_url = match arguments[..] {
        ["http"] => format!("http://{}", fakes.lambda.address),
        ["https", folder] => fakes.serve_https(Path::new(folder)).await,
        _ => panic!("usage: fake-aws http | fake-aws https FOLDER"),
    };
    write_line(&json!({"lambda": lambda_url, "bucket": fakes.bucket.origin}));
    for line in std::io::stdin().lock().lines() {
        let command: Value = serde_json::from_str(&line.unwrap()).unwrap();
        write_line(&fakes.run(&command));
    }
}

fn write_line(value: &Value) {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{value}").unwrap();
    stdout.flush().unwrap();
}

impl FakeAws {
    async fn serve_https(&mut self, folder: &Path) -> String {
        let hosts = [LAMBDA_HOST, BUCKET_HOST];
        let certificates = Certificates::issue("Benchmark Root CA", &hosts, Keys::Rsa2048);
        std::fs::write(folder.join("root.pem"), &certificates.root).unwrap();
        self.bucket.origin = format!("https://{BUCKET_HOST}");
        let (lambda, bucket) = (self.lambda.clone(), self.bucket.clone());
        let (config, delays) = (certificates.server_config(), Arc::clone(&self.delays));
        serve_tls(443, config, delays, move |request| {
            let (lambda, bucket) = (lambda.clone(), bucket.clone());
            async move {
                if request.headers["host"] == LAMBDA_HOST {
                    lambda.handle(request).await
                } else {
                    bucket.handle(request).await
                }
            }
        })
        .await;
        format!("https://{LAMBDA_HOST}")
    }

    fn run(&self, command: &Value) -> Value {
        let text = |name: &str| command[name].as_str().unwrap();
        match text("command") {
            "publish" => {
                let versions = command["versions"].as_u64().unwrap();
                self.publish(text("layer"), versions, command["shared"] == true)
            }
            "create_function" => self.create_function(text("function")),
            "delay" => self.delay(command),
            "presign" => self
                .bucket
                .presigned_url(text("key"), text("parameters"), &json!({}))
                .into(),
            "take_responses" => self.take_responses(text("url")),
            "take_number_of_calls" => self.lambda.take_number_of_calls(text("access_key")).into(),
            other => panic!("no such command: {other}"),
        }
    }

    /// A layer with this number of versions, each granted to another account if it is shared.
    fn publish(&self, layer: &str, versions: u64, shared: bool) -> Value {
        let policies = &mut self.lambda.state().policies;
        for number in 1..=versions {
            let arn = format!("{LAYERS}:{layer}:{number}");
            policies.publish(&arn);
            if shared {
                let statement = account_statement(&arn, "another", "999988887777");
                policies.put_statement(&arn, statement);
            }
        }
        Value::Null
    }

    /// A function that is granted to another account.
    fn create_function(&self, function: &str) -> Value {
        let policies = &mut self.lambda.state().policies;
        let arn = format!("{FUNCTIONS}:{function}");
        policies.publish(&arn);
        let mut statement = account_statement(&arn, "another", "999988887777");
        statement["Action"] = "lambda:InvokeFunction".into();
        policies.put_statement(&arn, statement);
        Value::Null
    }

    /// How long requests over HTTPS take from now on, in milliseconds.
    fn delay(&self, command: &Value) -> Value {
        let time = |name: &str| Duration::from_millis(command[name].as_u64().unwrap());
        *self.delays.lock().unwrap() = Delays {
            round_trip: time("round_trip"),
            policy_call: time("policy_call"),
            put: time("put"),
        };
        Value::Null
    }

    /// The responses that were sent to this URL. Whether they follow the rules of the protocol is not what a benchmark is about.
    fn take_responses(&self, url: &str) -> Value {
        let puts = self.bucket.take_puts_to(url);
        let parse = |body: &[u8]| -> Value { serde_json::from_slice(body).unwrap_or_default() };
        puts.iter().map(|put| parse(&put.body)).collect()
    }
}
