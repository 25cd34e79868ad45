//! One execution environment of the function: its process, a Runtime API and a response bucket. It serves many scenarios; its
//! process is replaced when it has crashed or the function's configuration changes.

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use fake_aws::function_process::FunctionProcess;
use fake_aws::response_bucket::{Put, ResponseBucket};
use fake_aws::runtime_api::{Outcome, RuntimeApi};
use serde_json::Value;

use crate::delivery::{Delivery, outcome_violation};
use crate::fault_plan::FaultPlan;
use crate::faulty_lambda_api::FaultyLambdaApi;
use crate::guardrails::Guardrails;
use crate::organization::ROLE;
use crate::stack_state::Clock;
use crate::trace::Trace;

/// How long after the deadline an invocation may still end: this machine is busier than Lambda's.
const GRACE: Duration = Duration::from_secs(5);

/// How long requests of a killed process may still be on their way.
const IN_FLIGHT: Duration = Duration::from_millis(300);

pub struct ExecutionEnvironment {
    pub name: char,
    /// The access key that its calls are signed with.
    pub access_key: String,
    lambda_api: FaultyLambdaApi,
    bucket: ResponseBucket,
    running: Mutex<Running>,
    trace: Trace,
}

struct Running {
    runtime_api: RuntimeApi,
    process: FunctionProcess,
    guardrails: Guardrails,
    /// The lines of the processes since the last `clear_log`.
    log: Vec<String>,
}

impl ExecutionEnvironment {
    pub async fn start(name: char, lambda_api: &FaultyLambdaApi, trace: &Trace) -> Self {
        let access_key = format!("ASIA{name}");
        let running = Running::start(&access_key, lambda_api, Guardrails::open()).await;
        Self {
            name,
            access_key,
            lambda_api: lambda_api.clone(),
            bucket: ResponseBucket::start().await,
            running: Mutex::new(running),
            trace: trace.clone(),
        }
    }

    /// Gives `event` a `ResponseURL` that was presigned so long ago.
    pub fn presign(&self, event: &Value, age: Duration, clock: Clock) -> Value {
        let mut event = event.clone();
        let signed = clock.shows(SystemTime::now() - age);
        self.bucket.presign_at(&mut event, signed);
        event
    }

    /// Invokes the function with an event that has its URL.
    pub async fn deliver(&self, event: &Value, plan: &FaultPlan) -> Delivery {
        self.inject(plan);
        let started = Instant::now();
        let outcome = self.invoke(event, plan).await;
        let duration = started.elapsed();
        let mut violations = Vec::new();
        if outcome.is_none() {
            if plan.crash_after.is_none() && !plan.may_exceed_deadline() {
                violations.push("the invocation did not end by its deadline".to_owned());
            }
            self.replace_killed_process().await;
        }
        self.lambda_api
            .wait_for_pending_effects(&self.access_key)
            .await;
        let puts = self.bucket.take_puts(event);
        violations.append(&mut self.bucket.state().violations);
        self.trace_puts(&puts, plan);
        violations.extend(outcome_violation(outcome.as_ref(), &puts, duration));
        let mut layers = self.lambda_api.layers();
        let calls = layers.environment(&self.access_key).calls;
        Delivery::new(outcome.as_ref(), &puts, plan, calls, violations)
    }

    fn inject(&self, plan: &FaultPlan) {
        let guardrails = self.running.lock().unwrap().guardrails.clone();
        self.lambda_api
            .layers()
            .begin_invocation(&self.access_key, plan, &guardrails);
        self.bucket.state().faults = plan.puts.iter().map(|put| put.put_fault()).collect();
    }

    /// The outcome, none if the process has crashed or has exceeded its deadline.
    async fn invoke(&self, event: &Value, plan: &FaultPlan) -> Option<Outcome> {
        let runtime_api = self.running.lock().unwrap().runtime_api.clone();
        let invocation = runtime_api.try_invoke(event.to_string(), plan.timeout, GRACE);
        tokio::select! {
            outcome = invocation => outcome,
            () = tokio::time::sleep(plan.crash_after.unwrap_or(Duration::MAX)) => None,
        }
    }

    async fn replace_killed_process(&self) {
        self.trace
            .note(&format!("  {} the process is killed", self.name));
        self.trace.count("process killed");
        let guardrails = self.running.lock().unwrap().guardrails.clone();
        self.restart(guardrails).await;
        tokio::time::sleep(IN_FLIGHT).await;
    }

    fn trace_puts(&self, puts: &[Put], plan: &FaultPlan) {
        for number in 0..puts.len() {
            let (line, kind) = match plan.puts.get(number) {
                Some(fault) => (format!("{fault:?}"), format!("fault of a PUT: {fault:?}")),
                None => ("no fault".to_owned(), "PUTs without a fault".to_owned()),
            };
            self.trace.note(&format!("  {} PUT: {line}", self.name));
            self.trace.count(&kind);
        }
    }

    /// Changes the function's configuration: as Lambda does, starts a new process.
    pub async fn configure(&self, guardrails: &Guardrails) {
        if self.running.lock().unwrap().guardrails != *guardrails {
            self.restart(guardrails.clone()).await;
        }
    }

    async fn restart(&self, guardrails: Guardrails) {
        let new = Running::start(&self.access_key, &self.lambda_api, guardrails).await;
        let mut running = self.running.lock().unwrap();
        let old = std::mem::replace(&mut *running, new);
        running.log = old.log;
        running.log.extend(old.process.stop());
    }

    /// The lines of the log since it was cleared.
    pub fn log(&self) -> Vec<String> {
        let mut running = self.running.lock().unwrap();
        let lines = running.process.take_log();
        running.log.extend(lines);
        running.log.clone()
    }

    pub fn clear_log(&self) {
        let mut running = self.running.lock().unwrap();
        drop(running.process.take_log());
        running.log.clear();
    }
}

impl Running {
    async fn start(access_key: &str, lambda_api: &FaultyLambdaApi, guardrails: Guardrails) -> Self {
        let runtime_api = RuntimeApi::start().await;
        let endpoint = format!("http://{}", lambda_api.address);
        let mut environment = vec![
            ("AWS_LAMBDA_RUNTIME_API", runtime_api.address.to_string()),
            ("AWS_ENDPOINT_URL", endpoint),
        ];
        environment.extend(guardrails.environment_variables());
        let variables = [
            ("AWS_ACCESS_KEY_ID", access_key),
            ("ORGANIZATIONS_ROLE_ARN", ROLE),
            ("RESPONSE_HOSTS", "http://127.0.0.1"),
        ];
        let executable = Path::new(env!("CARGO_BIN_EXE_bootstrap"));
        Self {
            runtime_api,
            process: FunctionProcess::start(executable, &environment, &variables),
            guardrails,
            log: Vec::new(),
        }
    }
}
