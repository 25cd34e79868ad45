//! Puts one executable among its played neighbours, gives it events, and ends everything when the test ends.
//! Refuses to know what a test is about; only what must never happen in any of them is checked here.

use std::time::Duration;

use fake_aws::events::{Event, LAYER_VERSION};
use fake_aws::function_process::{FunctionProcess, SECRET_KEY, SESSION_TOKEN, STDERR};
use fake_aws::http_server::Bytes;
use fake_aws::lambda_api::LambdaApi;
use fake_aws::response_bucket::{Put, ResponseBucket};
use fake_aws::runtime_api::{Outcome, RuntimeApi};

use serde_json::Value;

/// The executable under test.
pub const EXECUTABLE: &str = env!("CARGO_BIN_EXE_bootstrap");

/// The timeout of the function where a test does not say otherwise.
const TIMEOUT: Duration = Duration::from_mins(1);

/// What an operator allows where a test does not say otherwise: the bucket here can be answered, everybody granted to.
const UNGUARDED: &[(&str, &str)] = &[
    ("RESPONSE_HOSTS", "http://127.0.0.1"),
    ("ALLOW_PUBLIC", "true"),
];

pub struct Stage {
    pub runtime: RuntimeApi,
    pub lambda: LambdaApi,
    pub bucket: ResponseBucket,
    guardrails: &'static [(&'static str, &'static str)],
    executables: Vec<FunctionProcess>,
}

/// What CloudFormation was told.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer(pub Value);

impl Answer {
    pub fn id(&self) -> &str {
        self.0["PhysicalResourceId"].as_str().unwrap()
    }

    pub fn reason(&self) -> &str {
        self.0["Reason"].as_str().unwrap_or_default()
    }

    pub fn failed(&self) -> bool {
        self.0["Status"] == "FAILED"
    }

    /// The id; panics with the reason where the answer is FAILED.
    pub fn succeeded(&self) -> &str {
        assert!(!self.failed(), "FAILED: {}", self.reason());
        self.id()
    }

    /// The reason; panics where the answer is SUCCESS.
    pub fn refused(&self) -> &str {
        assert!(self.failed(), "SUCCESS: {}", self.0);
        self.reason()
    }
}

impl Stage {
    /// With one layer version, which has no policy.
    pub async fn start() -> Self {
        Self::with_environment(&[]).await
    }

    /// With these variables besides `UNGUARDED`.
    pub async fn with_environment(variables: &[(&str, &str)]) -> Self {
        Self::under(UNGUARDED, variables).await
    }

    /// With these variables, and nothing else that an operator could set.
    pub async fn guarded(variables: &[(&str, &str)]) -> Self {
        Self::under(&[], variables).await
    }

    async fn under(guardrails: &'static [(&str, &str)], variables: &[(&str, &str)]) -> Self {
        let runtime = RuntimeApi::start().await;
        let lambda = LambdaApi::start().await;
        lambda.state().policies.publish(LAYER_VERSION);
        let bucket = ResponseBucket::start().await;
        let mut stage = Self {
            runtime,
            lambda,
            bucket,
            guardrails,
            executables: Vec::new(),
        };
        stage.add_executable(variables);
        stage
    }

    /// One more concurrent execution of the function. In a variable, `{bucket}` stands for the bucket's host and port.
    pub fn add_executable(&mut self, variables: &[(&str, &str)]) {
        let endpoint = format!("http://{}", self.lambda.address);
        let environment = [
            ("AWS_LAMBDA_RUNTIME_API", self.runtime.address.to_string()),
            ("AWS_ENDPOINT_URL", endpoint),
        ];
        let bucket = self.bucket.address.to_string();
        let variables = [self.guardrails, variables].concat();
        let variables: Vec<(&str, String)> = variables
            .into_iter()
            .map(|(name, value)| (name, value.replace("{bucket}", &bucket)))
            .collect();
        let environment = [&environment[..], &variables].concat();
        self.executables.push(FunctionProcess::start(
            EXECUTABLE.as_ref(),
            &environment,
            &[],
        ));
    }

    /// Gives `event` a new `ResponseURL`.
    pub fn issue(&self, event: &Event) -> Event {
        let mut event = event.clone();
        self.bucket.presign(&mut event.0);
        event
    }

    /// Sends the event and returns its one answer.
    pub async fn play(&self, event: &Event) -> Answer {
        self.play_issued(&self.issue(event), TIMEOUT).await
    }

    /// Sends the event to a function of this timeout and returns its one answer.
    pub async fn play_within(&self, timeout: Duration, event: &Event) -> Answer {
        self.play_issued(&self.issue(event), timeout).await
    }

    async fn play_issued(&self, event: &Event, timeout: Duration) -> Answer {
        let (outcome, puts) = self.deliver(event, timeout).await;
        assert_eq!(outcome, Outcome::Ok);
        Self::one_of(&puts)
    }

    /// Sends an event that has its URL already, once or again, and returns what it came to.
    pub async fn deliver(&self, event: &Event, timeout: Duration) -> (Outcome, Vec<Put>) {
        let outcome = self.runtime.invoke(event.0.to_string(), timeout).await;
        (outcome, self.bucket.take_puts(&event.0))
    }

    /// Sends the text that `event`, which has its URL already, was made into, and returns its one answer.
    pub async fn play_text(&self, event: &Event, text: impl Into<Bytes>) -> Answer {
        let outcome = self.runtime.invoke(text, TIMEOUT).await;
        assert_eq!(outcome, Outcome::Ok);
        self.answer_to(event)
    }

    /// The one answer to an event that has come to its end.
    pub fn answer_to(&self, event: &Event) -> Answer {
        Self::one_of(&self.bucket.take_puts(&event.0))
    }

    fn one_of(puts: &[Put]) -> Answer {
        let acknowledged: Vec<_> = puts.iter().filter(|put| put.acknowledged).collect();
        assert_eq!(acknowledged.len(), 1, "one event has exactly one answer");
        Answer(serde_json::from_slice(&acknowledged[0].body).unwrap())
    }

    /// The statements of the layer version that most requests are about.
    pub fn statements(&self) -> Vec<Value> {
        self.lambda.state().policies.statements(LAYER_VERSION)
    }

    /// Another's statement, stored word for word.
    pub fn put_statement(&self, statement: Value) {
        self.lambda
            .state()
            .policies
            .put_statement(LAYER_VERSION, statement);
    }

    /// The most memory that one of the executables has had, in kilobytes.
    pub fn peak_memory(&self) -> u64 {
        let peaks = self.executables.iter().map(FunctionProcess::peak_memory);
        peaks.max().unwrap()
    }

    /// Ends the executables and returns the lines of their log.
    pub fn end(&mut self) -> Vec<Value> {
        let lines: Vec<String> = self
            .executables
            .drain(..)
            .flat_map(FunctionProcess::stop)
            .collect();
        let mut secrets = self.bucket.state().query_strings();
        secrets.extend(self.lambda.state().roles.secrets());
        secrets.extend([SECRET_KEY, SESSION_TOKEN, "Signature="].map(str::to_owned));
        for line in &lines {
            for secret in &secrets {
                assert!(
                    !line.contains(secret.as_str()),
                    "the log holds a secret: {line}"
                );
            }
        }
        lines
            .iter()
            .filter(|line| !line.starts_with(STDERR))
            .map(|line| {
                let line: Value =
                    serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
                assert!(line.is_object(), "not an object: {line}");
                crate::log::check(&line);
                line
            })
            .collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.end();
        let broken = std::mem::take(&mut self.bucket.state().violations);
        assert!(broken.is_empty(), "CloudFormation's rules: {broken:#?}");
    }
}
