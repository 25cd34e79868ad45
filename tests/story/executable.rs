//! Runs one child process of the executable in an environment like Lambda's, and collects its log.
//! Refuses to know what it does: it is ended, not judged, here.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

pub const ACCESS_KEY: &str = "ASIAIOSFODNN7EXAMPLE";
pub const SECRET_KEY: &str = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY";
pub const SESSION_TOKEN: &str = "IQoJb3JpZ2luX2VjSESSIONTOKEN";

/// Marks the lines that were not written to the log proper; a panic's message goes there.
pub const STDERR: &str = "stderr: ";

pub struct Executable {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Executable {
    pub fn start(environment: &[(&str, String)], variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bootstrap"))
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

    /// The lines of its log since this was asked last.
    pub fn lines(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().unwrap())
    }

    pub fn end(mut self) -> Vec<String> {
        self.kill();
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        self.lines()
    }

    /// The most memory that the process has had, in kilobytes.
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

    /// The lines of the log of a process that ends by itself, with a failure.
    pub fn ended(mut self) -> Vec<String> {
        assert!(!self.child.wait().unwrap().success());
        self.end()
    }

    fn kill(&mut self) {
        // It may have ended by itself; there is nothing left to do then.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Executable {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("{}", self.lines.lock().unwrap().join("\n"));
        }
    }
}

fn collect(
    from: impl Read + Send + 'static,
    mark: &'static str,
    lines: &Arc<Mutex<Vec<String>>>,
) -> JoinHandle<()> {
    let lines = Arc::clone(lines);
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            lines.lock().unwrap().push(format!("{mark}{line}"));
        }
    })
}
