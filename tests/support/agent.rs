//! A real agent: the built binary, with a home of its own.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{number_from_environment, wait_until};

/// The model that stories with embeddings use.
const MODEL: &str = "all-MiniLM-L6-v2";
/// How long a verb may take before it counts as hanging.
const LONGEST_VERB: Duration = Duration::from_secs(180);

/// Seconds until everything registered has to be fresh. `RA_AGENT_TEST_PATIENCE` sets it for a busy machine.
fn patience() -> u64 {
    number_from_environment("RA_AGENT_TEST_PATIENCE").unwrap_or(120)
}
/// How long a daemon may take to start or end before it counts as hanging.
const LONGEST_START: Duration = Duration::from_secs(60);

pub struct TestAgent {
    root: tempfile::TempDir,
    daemon: Option<Child>,
}

/// What a verb left behind.
#[derive(Debug)]
pub struct Output {
    /// `None` if a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl TestAgent {
    /// An agent that has the embedding model installed.
    #[track_caller]
    pub fn new() -> Self {
        let agent = Self::without_model();
        agent.install_model();
        agent
    }

    /// An agent without a model.
    pub fn without_model() -> Self {
        // not below TMPDIR, which may be deep: the path of a socket has 107 bytes at most
        let root = tempfile::Builder::new().prefix("ra").tempdir_in("/tmp").unwrap();
        std::fs::create_dir(root.path().join("user")).unwrap();
        Self { root, daemon: None }
    }

    /// The agent's home.
    pub fn home(&self) -> PathBuf {
        self.root.path().join("h")
    }

    /// Moves the clock of everything that this agent runs, now and later.
    pub fn shift_clock(&self, shift: Duration) {
        // In one step: a clock that is read meanwhile is the old or the new one.
        let next = self.root.path().join("clock-shift.new");
        std::fs::write(&next, shift.as_millis().to_string()).unwrap();
        std::fs::rename(next, self.clock_shift()).unwrap();
    }

    fn clock_shift(&self) -> PathBuf {
        self.root.path().join("clock-shift")
    }

    /// The home of the user whose agent it is.
    pub fn user_home(&self) -> PathBuf {
        self.root.path().join("user")
    }

    pub fn write_config(&self, text: &str) {
        std::fs::create_dir_all(self.home()).unwrap();
        std::fs::write(self.home().join("config.toml"), text).unwrap();
    }

    /// What was written so far.
    pub fn config(&self) -> String {
        std::fs::read_to_string(self.home().join("config.toml")).unwrap_or_default()
    }

    /// The binary with a clean environment.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ra-agent"));
        command
            .args(args)
            .current_dir(self.root.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.user_home())
            .env("RA_AGENT_HOME", self.home())
            .env("LC_ALL", "C.UTF-8")
            .env("NO_COLOR", "1")
            .env("RA_AGENT_TEST_CLOCK_SHIFT", self.clock_shift())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .stdin(Stdio::null());
        command
    }

    /// Runs a verb to its end.
    #[track_caller]
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        let args: Vec<S> = args.into_iter().collect();
        let shown: Vec<_> = args.iter().map(|arg| arg.as_ref().to_owned()).collect();
        let mut child = self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let pid = Pid::from_child(&child);
        // read during the wait, else a full pipe would hold the verb
        let (stdout, stderr) = (drain(child.stdout.take()), drain(child.stderr.take()));
        let start = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if start.elapsed() > LONGEST_VERB.max(Duration::from_secs(patience() + 60)) {
                kill_process(pid, Signal::KILL).unwrap();
                panic!("ra-agent {shown:?} hangs; stderr: {}", stderr.join().unwrap());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let code = child.wait().unwrap().code();
        Output { code, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
    }

    /// Runs a verb that must succeed.
    #[track_caller]
    pub fn ok<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> String {
        let output = self.run(args);
        assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
        output.stdout
    }

    /// Runs a read verb with `--json`; it must succeed.
    #[track_caller]
    pub fn json<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Value {
        let mut args: Vec<_> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
        args.push("--json".into());
        let text = self.ok(args);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("not JSON ({error}): {text}"))
    }

    /// Starts the daemon as a child of the test and waits until it answers.
    #[track_caller]
    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    /// The same, with variables of the environment.
    #[track_caller]
    pub fn start_with(&mut self, variables: &[(&str, &str)]) {
        assert!(self.daemon.is_none(), "it runs already");
        let log = File::options().create(true).append(true).open(self.daemon_output()).unwrap();
        let mut command = self.command(["daemon", "run"]);
        command.stdout(log.try_clone().unwrap()).stderr(log).envs(variables.iter().copied());
        let mut child = command.spawn().unwrap();
        let pid = i64::from(child.id());
        let start = Instant::now();
        // it has its lock, and with it its pid, a moment before it listens
        let answers = || UnixStream::connect(self.home().join("run/agent.sock")).is_ok();
        while self.json(["status"])["daemon"]["pid"].as_i64() != Some(pid) || !answers() {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "the daemon ended ({ended:?}): {}", self.log());
            assert!(start.elapsed() < LONGEST_START, "the daemon does not answer: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        self.daemon = Some(child);
    }

    /// Waits until nothing is left that waiting brings: everything registered is fresh, or held up by something else.
    #[track_caller]
    pub fn wait(&self) {
        let output = self.run(["wait", "--json", "--timeout", &format!("{}s", patience())]);
        let is_settled = output.stdout.contains("\"settled\": true") || output.stdout.contains("\"settled\":true");
        assert!(is_settled, "{}{}\n{}", output.stdout, output.stderr, self.log());
    }

    /// What the daemon said so far.
    pub fn log(&self) -> String {
        let said = std::fs::read_to_string(self.daemon_output()).unwrap_or_default();
        let logged = std::fs::read_to_string(self.home().join("logs/agent.log")).unwrap_or_default();
        format!("{said}{logged}")
    }

    pub fn daemon_pid(&self) -> Option<u32> {
        self.daemon.as_ref().map(Child::id)
    }

    /// Pid of the worker that the daemon has at this moment.
    pub fn worker_pid(&self) -> Option<u32> {
        children(self.daemon_pid()?).first().copied()
    }

    /// Ends the daemon as a power cut would, as far as a process goes.
    pub fn kill9_daemon(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill().unwrap();
            daemon.wait().unwrap();
        }
    }

    /// Ends the worker likewise; false if there is none.
    pub fn kill9_worker(&self) -> bool {
        let pid = self.worker_pid().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        pid.is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok())
    }

    /// Stops the daemon as its user would.
    #[track_caller]
    pub fn stop(&mut self) {
        let mut daemon = self.daemon.take().unwrap();
        self.ok(["daemon", "stop"]);
        wait_until(LONGEST_START, "the daemon is gone", || daemon.try_wait().unwrap().is_some());
    }

    #[track_caller]
    fn install_model(&self) {
        let source = model_directory();
        self.ok([
            OsStr::new("model"),
            OsStr::new("install"),
            OsStr::new(MODEL),
            OsStr::new("--from"),
            source.as_os_str(),
            OsStr::new("--without-table"),
        ]);
    }

    fn daemon_output(&self) -> PathBuf {
        self.root.path().join("daemon.out")
    }
}

impl Drop for TestAgent {
    fn drop(&mut self) {
        let worker = self.worker_pid();
        self.kill9_daemon();
        // one that a story started in the background
        if UnixStream::connect(self.home().join("run/agent.sock")).is_ok() {
            let _ = self.command(["daemon", "stop"]).output();
        }
        // it ends by itself once its parent is gone; the directory must not go before that
        if let Some(worker) = worker {
            let _ = kill_process(Pid::from_raw(worker.cast_signed()).unwrap(), Signal::KILL);
        }
    }
}

/// Where `install/fetch-model.sh` puts the model.
#[track_caller]
fn model_directory() -> PathBuf {
    let models = match std::env::var_os("RA_AGENT_TEST_MODELS") {
        Some(models) => PathBuf::from(models),
        None => PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/ra-agent/models"),
    };
    let model = models.join(MODEL);
    assert!(model.is_dir(), "{model:?} is missing; install/fetch-model.sh gets it");
    model
}

fn drain(pipe: Option<impl std::io::Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // what came before an error is what there is to show
        let _ = pipe.unwrap().read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Pids of a process's children.
fn children(parent: u32) -> Vec<u32> {
    if !Path::new("/proc/self/stat").exists() {
        let output = Command::new("pgrep").args(["-P", &parent.to_string()]).output().unwrap();
        return String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| line.parse().ok()).collect();
    }
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

/// The fourth field of `stat`; the second one, the name in parentheses, may hold anything.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}
