//! One process of the function, in the environment that Lambda gives it, and its log.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// The access key of the function's execution role.
pub const ACCESS_KEY: &str = "ASIAIOSFODNN7EXAMPLE";
/// The secret key of the function's execution role.
pub const SECRET_KEY: &str = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY";
/// The session token of the function's execution role.
pub const SESSION_TOKEN: &str = "IQoJb3JpZ2luX2VjSESSIONTOKEN";

/// The prefix of the lines that were written to stderr, which is not the structured log; a panic's message goes there.
pub const STDERR: &str = "stderr: ";

/// A child process; it ends with this value.
pub struct FunctionProcess {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    readers: Vec<JoinHandle<()>>,
}

impl FunctionProcess {
    /// Starts the executable with Lambda's reserved environment variables; `environment` and `variables` add to them or
    /// replace them, and there are no others.
    #[must_use]
    pub fn start(
        executable: &Path,
        environment: &[(&str, String)],
        variables: &[(&str, &str)],
    ) -> Self {
        let mut child = Command::new(executable)
            .env_clear()
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .env("AWS_SESSION_TOKEN", SESSION_TOKEN)
            .env("AWS_LAMBDA_FUNCTION_NAME", "layer-permission")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/layer-permission")
            .env(
                "AWS_LAMBDA_LOG_STREAM_NAME",
                "2026/01/31/[$LATEST]0123456789abcdef",
            )
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Arc::default();
        let readers = vec![
            collect(child.stdout.take().unwrap(), "", &lines),
            collect(child.stderr.take().unwrap(), STDERR, &lines),
        ];
        Self {
            child,
            lines,
            readers,
        }
    }

    /// The lines of its log since the last call.
    #[must_use]
    pub fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().unwrap())
    }

    /// Ends the process and returns the rest of its log.
    #[must_use]
    pub fn stop(mut self) -> Vec<String> {
        self.kill();
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        self.take_log()
    }

    /// The peak resident memory of the process, in kilobytes.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak.unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap()
    }

    /// The log of a process that exits by itself, with a failure.
    #[must_use]
    pub fn wait_for_failure(mut self) -> Vec<String> {
        assert!(!self.child.wait().unwrap().success());
        self.stop()
    }

    fn kill(&mut self) {
        // It may have exited by itself; there is nothing left to do then.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for FunctionProcess {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("{}", self.lines.lock().unwrap().join("\n"));
        }
    }
}

fn collect(
    from: impl Read + Send + 'static,
    prefix: &'static str,
    lines: &Arc<Mutex<Vec<String>>>,
) -> JoinHandle<()> {
    let lines = Arc::clone(lines);
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            lines.lock().unwrap().push(format!("{prefix}{line}"));
        }
    })
}
