//! One concurrent execution of the function: the executable with a Runtime API and a bucket of its own. It is used for many
//! schedules, and started anew when it has died.
//! Refuses to know what an event means; what must hold of any delivery is checked here.

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::Value;

use crate::bucket::{Bucket, Put};
use crate::control_plane::ControlPlane;
use crate::fault::PutTrouble;
use crate::function_process::FunctionProcess;
use crate::guardrails::Guardrails;
use crate::record::Record;
use crate::runtime_api::{Outcome, RuntimeApi};
use crate::trouble::Trouble;

/// How long after the deadline an event may end all the same: this machine is busier than Lambda's.
const GRACE: Duration = Duration::from_secs(5);

pub struct Lane {
    pub name: char,
    /// The access key that its calls are signed with.
    pub key: String,
    control_plane: ControlPlane,
    bucket: Bucket,
    running: Mutex<Running>,
    record: Record,
}

struct Running {
    runtime: RuntimeApi,
    executable: FunctionProcess,
    guardrails: Guardrails,
    log: Vec<String>,
}

/// What one delivery came to.
pub struct Delivery {
    /// Whether the function ended without an error.
    pub is_over: bool,
    /// The answer that reached the bucket, acknowledged or not.
    pub stored: Option<Value>,
    /// What was answered, whether or not it reached the bucket.
    pub meant: Option<Value>,
    pub calls: usize,
    /// Whether it is certain that nobody has the answer.
    pub is_refused: bool,
    /// What was not as it must be.
    pub broken: Vec<String>,
}

impl Lane {
    pub async fn start(name: char, control_plane: &ControlPlane, record: &Record) -> Self {
        let key = format!("ASIA{name}");
        Self {
            name,
            running: Mutex::new(Running::start(&key, control_plane, Guardrails::open()).await),
            key,
            control_plane: control_plane.clone(),
            bucket: Bucket::start().await,
            record: record.clone(),
        }
    }

    /// Gives `event` a `ResponseURL` that was signed so long ago.
    pub fn issue(&self, event: &Value, ago: Duration) -> Value {
        let signed = (SystemTime::now() - ago)
            .duration_since(UNIX_EPOCH)
            .unwrap();
        let date = DateTime::from_secs(signed.as_secs().try_into().unwrap());
        let date = date.fmt(Format::DateTime).unwrap().replace(['-', ':'], "");
        let mut event = event.clone();
        let query =
            format!("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={date}&X-Amz-Expires=7200");
        self.bucket.presign_with(&mut event, &query);
        event
    }

    /// Runs an event that has its URL already.
    pub async fn deliver(&self, event: &Value, trouble: &Trouble) -> Delivery {
        let guardrails = self.running.lock().unwrap().guardrails.clone();
        self.control_plane
            .layers()
            .deal(&self.key, trouble, &guardrails);
        self.bucket.state().faults = trouble.puts.iter().map(|put| put.fault()).collect();
        let begun = Instant::now();
        let runtime = self.running.lock().unwrap().runtime.clone();
        let run = runtime.try_invoke(event.to_string(), trouble.timeout, GRACE);
        let dies = trouble.dies_after;
        let outcome = tokio::select! {
            outcome = run => outcome,
            () = tokio::time::sleep(dies.unwrap_or(Duration::MAX)) => None,
        };
        let took = begun.elapsed();
        let mut broken = Vec::new();
        if outcome.is_none() {
            if dies.is_none() && !trouble.may_overrun() {
                broken.push("the event did not end by the function's deadline".to_owned());
            }
            self.record
                .note(&format!("  {} the process is ended", self.name));
            self.record.count("process ended");
            self.restart(guardrails).await;
            // What it has sent is still on its way.
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        self.control_plane.calm(&self.key).await;
        let puts = self.bucket.take_puts(event);
        broken.append(&mut self.bucket.state().violations);
        for number in 0..puts.len() {
            let met = trouble.puts.get(number);
            self.record.note(&format!("  {} PUT: {met:?}", self.name));
            self.record.count(&format!("PUT {met:?}"));
        }
        broken.extend(untold(outcome.as_ref(), &puts, took));
        let stored = |(number, put): (usize, &Put)| {
            let stored = put.acknowledged || trouble.puts.get(number)?.stored();
            stored.then(|| serde_json::from_slice(&put.body).unwrap())
        };
        Delivery {
            is_over: outcome == Some(Outcome::Ok),
            stored: puts.iter().enumerate().find_map(stored),
            meant: puts
                .first()
                .map(|put| serde_json::from_slice(&put.body).unwrap()),
            is_refused: puts.len() == 1
                && matches!(trouble.puts.first(), Some(PutTrouble::Refused(400 | 403)))
                && matches!(outcome, Some(Outcome::Err(_))),
            calls: self.control_plane.layers().dealt(&self.key).calls,
            broken,
        }
    }

    /// Runs an executable with these guardrails from now on, as Lambda does when the function's configuration is changed.
    pub async fn configure(&self, guardrails: &Guardrails) {
        if self.running.lock().unwrap().guardrails != *guardrails {
            self.restart(guardrails.clone()).await;
        }
    }

    async fn restart(&self, guardrails: Guardrails) {
        let anew = Running::start(&self.key, &self.control_plane, guardrails).await;
        let mut running = self.running.lock().unwrap();
        let ended = std::mem::replace(&mut *running, anew);
        running.log = ended.log;
        running.log.extend(ended.executable.stop());
    }

    /// The lines of the log since it was forgotten.
    pub fn log(&self) -> Vec<String> {
        let mut running = self.running.lock().unwrap();
        let lines = running.executable.take_log();
        running.log.extend(lines);
        running.log.clone()
    }

    /// Begins a new log.
    pub fn forget_log(&self) {
        let mut running = self.running.lock().unwrap();
        drop(running.executable.take_log());
        running.log.clear();
    }
}

impl Running {
    async fn start(key: &str, control_plane: &ControlPlane, guardrails: Guardrails) -> Self {
        let runtime = RuntimeApi::start().await;
        let mut environment = vec![
            ("AWS_LAMBDA_RUNTIME_API", runtime.address.to_string()),
            (
                "AWS_ENDPOINT_URL",
                format!("http://{}", control_plane.address),
            ),
        ];
        environment.extend(guardrails.variables());
        let variables = [
            ("AWS_ACCESS_KEY_ID", key),
            ("RESPONSE_HOSTS", "http://127.0.0.1"),
        ];
        let executable = Path::new(env!("CARGO_BIN_EXE_bootstrap"));
        let executable = FunctionProcess::start(executable, &environment, &variables);
        Self {
            runtime,
            executable,
            guardrails,
            log: Vec::new(),
        }
    }
}

/// How long the executable waits for an acknowledgement at least.
const IMPATIENCE: Duration = Duration::from_secs(1);

/// What an event came to and what was answered have to fit.
fn untold(outcome: Option<&Outcome>, puts: &[Put], took: Duration) -> Option<String> {
    let acknowledged = puts.iter().filter(|put| put.acknowledged).count();
    let last = puts.last().is_some_and(|put| put.acknowledged);
    match outcome {
        Some(Outcome::Ok) if acknowledged == 1 && last => None,
        Some(Outcome::Err(_)) if acknowledged == 0 => None,
        None if acknowledged <= 1 => None,
        // Where this machine is slow, the acknowledgement comes when the executable has hung up.
        _ if acknowledged > 0 && took >= IMPATIENCE => None,
        _ => Some(format!(
            "{outcome:?} after {acknowledged} acknowledged answers of {}",
            puts.len()
        )),
    }
}
