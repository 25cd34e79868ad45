//! The provider in its execution environments, among the fakes of AWS. What must not happen in any test is checked here: no secret is
//! logged, no rule of the protocol is violated.

use std::path::PathBuf;
use std::time::Duration;

use fake_aws::cloudformation_api::Resource;
use fake_aws::events::{Event, FUNCTION, LAYER_VERSION};
use fake_aws::function_process::{FunctionProcess, SECRET_KEY, SESSION_TOKEN, STDERR};
use fake_aws::http_server::Bytes;
use fake_aws::lambda_api::LambdaApi;
use fake_aws::response_bucket::{Put, ResponseBucket};
use fake_aws::runtime_api::{Outcome, RuntimeApi};
use serde_json::Value;

/// The executable under test: the one that was built with the tests, or `TEST_EXECUTABLE`.
pub fn executable() -> PathBuf {
    let given = std::env::var_os("TEST_EXECUTABLE");
    given.map_or_else(|| env!("CARGO_BIN_EXE_bootstrap").into(), PathBuf::from)
}

/// The default timeout of the function.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The default configuration: responses to the fake bucket, and public grants, are allowed.
const PERMISSIVE: &[(&str, &str)] = &[
    ("RESPONSE_HOSTS", "http://127.0.0.1"),
    ("ALLOW_PUBLIC", "true"),
    ("ALLOW_UNCONFINED_SERVICES", "true"),
    ("FUNCTION_NAMES", "*"),
];

/// The fakes, and the function's processes; they end with this value.
pub struct TestEnv {
    pub runtime: RuntimeApi,
    pub lambda: LambdaApi,
    pub bucket: ResponseBucket,
    guardrails: &'static [(&'static str, &'static str)],
    processes: Vec<FunctionProcess>,
}

/// A response that CloudFormation received.
#[derive(Debug, Clone, PartialEq)]
pub struct Response(pub Value);

impl Response {
    /// The response in the last PUT, whether or not it was acknowledged.
    pub fn last(puts: &[Put]) -> Self {
        Self(serde_json::from_slice(&puts.last().unwrap().body).unwrap())
    }

    pub fn id(&self) -> &str {
        self.0["PhysicalResourceId"].as_str().unwrap()
    }

    pub fn reason(&self) -> &str {
        self.0["Reason"].as_str().unwrap_or_default()
    }

    pub fn is_failed(&self) -> bool {
        self.0["Status"] == "FAILED"
    }

    /// The id; panics with the reason if the status is FAILED.
    pub fn expect_success(&self) -> &str {
        assert!(!self.is_failed(), "FAILED: {}", self.reason());
        self.id()
    }

    /// The reason; panics if the status is SUCCESS.
    pub fn expect_failed(&self) -> &str {
        assert!(self.is_failed(), "SUCCESS: {}", self.0);
        self.reason()
    }
}

impl TestEnv {
    /// With one layer version and one function, which have no policy.
    pub async fn start() -> Self {
        Self::with_variables(&[]).await
    }

    /// With these variables in addition to `PERMISSIVE`.
    pub async fn with_variables(variables: &[(&str, &str)]) -> Self {
        Self::configured(PERMISSIVE, variables).await
    }

    /// With these variables only.
    pub async fn with_variables_only(variables: &[(&str, &str)]) -> Self {
        Self::configured(&[], variables).await
    }

    async fn configured(guardrails: &'static [(&str, &str)], variables: &[(&str, &str)]) -> Self {
        let runtime = RuntimeApi::start().await;
        let lambda = LambdaApi::start().await;
        lambda.state().policies.publish(LAYER_VERSION);
        lambda.state().policies.publish(FUNCTION);
        let bucket = ResponseBucket::start().await;
        let mut env = Self {
            runtime,
            lambda,
            bucket,
            guardrails,
            processes: Vec::new(),
        };
        env.add_execution_environment(variables);
        env
    }

    /// One more execution environment of the function, so that it can run one more event concurrently. In a variable, `{bucket}` is
    /// the bucket's host and port.
    pub fn add_execution_environment(&mut self, variables: &[(&str, &str)]) {
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
        self.processes
            .push(FunctionProcess::start(&executable(), &environment, &[]));
    }

    /// `event` with a new `ResponseURL`.
    pub fn presign(&self, event: &Event) -> Event {
        let mut event = event.clone();
        self.bucket.presign(&mut event.0);
        event
    }

    /// Sends the event and returns its only response.
    pub async fn send(&self, event: &Event) -> Response {
        self.send_presigned(&self.presign(event), TIMEOUT).await
    }

    /// Sends the event to a function with this timeout and returns its only response.
    pub async fn send_within(&self, timeout: Duration, event: &Event) -> Response {
        self.send_presigned(&self.presign(event), timeout).await
    }

    async fn send_presigned(&self, event: &Event, timeout: Duration) -> Response {
        let (outcome, puts) = self.deliver(event, timeout).await;
        assert_eq!(outcome, Outcome::Ok);
        Self::only(&puts)
    }

    /// Sends an event that has its `ResponseURL` already, for the first time or again; returns the outcome and the PUTs.
    pub async fn deliver(&self, event: &Event, timeout: Duration) -> (Outcome, Vec<Put>) {
        self.begin_in_stack(event);
        let outcome = self.runtime.invoke(event.0.to_string(), timeout).await;
        (outcome, self.bucket.take_puts(&event.0))
    }

    /// Sends `text`, which is made of `event` with its `ResponseURL`, and returns its only response.
    pub async fn send_text(&self, event: &Event, text: impl Into<Bytes>) -> Response {
        self.begin_in_stack(event);
        let outcome = self.runtime.invoke(text, TIMEOUT).await;
        assert_eq!(outcome, Outcome::Ok);
        self.response_to(event)
    }

    /// CloudFormation waits for the response to `event`.
    fn begin_in_stack(&self, event: &Event) {
        let text = |name: &str| event.0[name].as_str();
        if let (Some(stack), Some(logical_id), Some(kind)) = (
            text("StackId"),
            text("LogicalResourceId"),
            text("RequestType"),
        ) {
            let status = format!("{}_IN_PROGRESS", kind.to_uppercase());
            let mut state = self.lambda.state();
            let physical_id = text("PhysicalResourceId");
            let resource = Resource::new(&status, physical_id);
            state.stacks.set(stack, logical_id, resource);
        }
    }

    /// The only response to an event that was sent.
    pub fn response_to(&self, event: &Event) -> Response {
        Self::only(&self.bucket.take_puts(&event.0))
    }

    fn only(puts: &[Put]) -> Response {
        let acknowledged: Vec<_> = puts.iter().filter(|put| put.acknowledged).collect();
        assert_eq!(acknowledged.len(), 1, "one event gets exactly one response");
        Response(serde_json::from_slice(&acknowledged[0].body).unwrap())
    }

    /// The statements of the layer version that most requests are about.
    pub fn statements(&self) -> Vec<Value> {
        self.lambda.state().policies.statements(LAYER_VERSION)
    }

    /// The statements of the function that requests of function permissions are about.
    pub fn function_statements(&self) -> Vec<Value> {
        self.lambda.state().policies.statements(FUNCTION)
    }

    /// Stores a statement as it is.
    pub fn put_statement(&self, statement: Value) {
        self.lambda
            .state()
            .policies
            .put_statement(LAYER_VERSION, statement);
    }

    /// The highest peak memory of the processes, in kilobytes.
    pub fn peak_memory(&self) -> u64 {
        let peaks = self.processes.iter().map(FunctionProcess::peak_memory);
        peaks.max().unwrap()
    }

    /// Ends the processes and returns the lines of their log.
    pub fn stop(&mut self) -> Vec<Value> {
        let lines: Vec<String> = self
            .processes
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
                    "the log has a secret: {line}"
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
                crate::log_lines::check(&line);
                line
            })
            .collect()
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.stop();
        let violations = std::mem::take(&mut self.bucket.state().violations);
        assert!(
            violations.is_empty(),
            "CloudFormation's rules: {violations:#?}"
        );
    }
}
