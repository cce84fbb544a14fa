//! `service`: the system's service manager runs the daemon. A mere convenience: `ra-agent daemon start` needs no manager.

mod launchd;
mod systemd;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Subcommand;

use super::output::{print, print_json};
use super::{Context, Failure};
use crate::file;
use crate::lock;
use crate::query::view::service::ServiceView;

#[derive(Subcommand)]
pub enum ServiceAct {
    /// Run the daemon from login to logout, and restart it if it fails
    Install {
        /// Only print what would be written, and where
        #[arg(long)]
        dry_run: bool,
    },
    /// Stop the service and remove its file
    Uninstall {
        /// Only print what would be removed
        #[arg(long)]
        dry_run: bool,
    },
    /// Show whether the service is installed and running
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Marks a file as written by us, not by the user.
const MARK: &[u8] = b"Written by `ra-agent service install`";

#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error("the home directory is unknown, and with it the place of the service's file; set HOME")]
    NoUserHome,
    #[error("{program} does not answer: {reason}. {advice}")]
    NoManager { program: &'static str, reason: String, advice: &'static str },
    #[error("`{command}` failed: {reason}; it was about the file {path}")]
    Refused { command: String, reason: String, path: PathBuf },
    #[error("{path} was not written by ra-agent; move it away first")]
    NotOurs { path: PathBuf },
    #[error("{path} cannot be used: {source}; check who owns it and whether the disk is full")]
    Path { path: PathBuf, source: io::Error },
    #[error("a path with a line end or another control character does not fit into a service's file: {path:?}")]
    Unwritable { path: PathBuf },
    #[error("cannot determine the path of this executable: {0}")]
    NoProgram(io::Error),
}

/// What the service's file needs to know.
struct Paths {
    program: PathBuf,
    home: PathBuf,
    log: PathBuf,
}

/// A service manager: its file and its commands.
struct Manager {
    name: &'static str,
    /// Where the service's file belongs.
    file: PathBuf,
    content: Vec<u8>,
    /// Commands that make the manager read the file and start the service.
    take_up: Vec<Vec<String>>,
    /// Commands that stop the service, before its file is removed.
    give_up: Vec<Vec<String>>,
    /// Commands after which the manager knows that the file is gone.
    forget: Vec<Vec<String>>,
    /// Succeeds if the manager can be asked at all.
    probe: Vec<String>,
    /// Succeeds if the service runs.
    is_active: Vec<String>,
    /// What to do where there is no such manager.
    advice: &'static str,
}

pub fn run(context: &Context, act: &ServiceAct) -> Result<(), Failure> {
    let manager = manager(context)?;
    match act {
        ServiceAct::Install { dry_run: true } => {
            print(&format!("{}:\n{}", manager.file.display(), String::from_utf8_lossy(&manager.content)))?;
            manager.take_up.iter().try_for_each(|command| print(&format!("$ {}\n", command.join(" "))))
        }
        ServiceAct::Install { dry_run: false } => install(context, &manager),
        ServiceAct::Uninstall { dry_run: true } => {
            manager.give_up.iter().try_for_each(|command| print(&format!("$ {}\n", command.join(" "))))?;
            print(&format!("removes {}\n", manager.file.display()))
        }
        ServiceAct::Uninstall { dry_run: false } => uninstall(&manager),
        ServiceAct::Status { json } => {
            let status = manager.status()?;
            if *json { print_json(&status) } else { print(&describe(&status)) }
        }
    }
}

/// Returns the state for `doctor`; `None` if it cannot be determined.
pub(super) fn status(context: &Context) -> Option<ServiceView> {
    manager(context).ok()?.status().ok()
}

fn manager(context: &Context) -> Result<Manager, ServiceError> {
    let home = context.home.root().to_owned();
    let program = std::env::current_exe().map_err(ServiceError::NoProgram)?;
    let paths = Paths { program, home, log: context.home.log_file() };
    if cfg!(target_os = "macos") { launchd::manager(&paths) } else { systemd::manager(&paths) }
}

fn install(context: &Context, manager: &Manager) -> Result<(), Failure> {
    manager.probe()?;
    if manager.is_ours()? == Some(false) {
        return Err(ServiceError::NotOurs { path: manager.file.clone() }.into());
    }
    let before = manager.status()?;
    if before.is_done() {
        return print(&format!("the service is installed and running already ({})\n", manager.file.display()));
    }
    if before.active {
        // launchd takes no file up for a service that it has.
        manager.give_up.iter().try_for_each(|command| manager.run(command))?;
    }
    context.home.create()?;
    write(&manager.file, &manager.content)?;
    // A daemon that was started by hand holds the lock that the service's daemon needs.
    if lock::holder(&context.home.agent_lock()).is_some() {
        super::daemon::stop(&context.home)?;
    }
    manager.take_up.iter().try_for_each(|command| manager.run(command))?;
    print(&format!(
        "{} runs the daemon from now on ({}); `ra-agent service uninstall` ends that\n",
        manager.name,
        manager.file.display()
    ))
}

fn uninstall(manager: &Manager) -> Result<(), Failure> {
    match manager.is_ours()? {
        None => return print("no service is installed\n"),
        Some(false) => return Err(ServiceError::NotOurs { path: manager.file.clone() }.into()),
        Some(true) => {}
    }
    let reachable = manager.probe();
    if reachable.is_ok() {
        manager.give_up.iter().try_for_each(|command| manager.run(command))?;
    }
    std::fs::remove_file(&manager.file).map_err(|source| ServiceError::Path { path: manager.file.clone(), source })?;
    if reachable.is_ok() {
        manager.forget.iter().try_for_each(|command| manager.run(command))?;
    }
    print(&format!("{} is gone; `ra-agent daemon start` starts the daemon without a service\n", manager.file.display()))
}

fn describe(status: &ServiceView) -> String {
    let ServiceView { manager, unavailable, file, installed, current, active } = status;
    let file = file.display();
    let installed = match (installed, current) {
        (false, _) => "not installed; `ra-agent service install` does that".to_owned(),
        (true, true) => format!("installed ({file})"),
        (true, false) => {
            format!("installed by another version ({file}); `ra-agent service install` brings it up to date")
        }
    };
    let active = if *active { "running" } else { "not running" };
    match unavailable {
        Some(reason) => format!("service   {installed}\n          {reason}\n"),
        None => format!("service   {installed}, {active} under {manager}\n"),
    }
}

fn write(path: &Path, content: &[u8]) -> Result<(), ServiceError> {
    let failed = |source| ServiceError::Path { path: path.to_path_buf(), source };
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(failed)?;
    }
    file::replace(path, content, 0o644).map_err(failed)
}

impl Manager {
    /// Whether the file is one of ours; `None`: there is none.
    fn is_ours(&self) -> Result<Option<bool>, ServiceError> {
        Ok(self.present()?.map(|content| content.windows(MARK.len()).any(|window| window == MARK)))
    }

    fn present(&self) -> Result<Option<Vec<u8>>, ServiceError> {
        match std::fs::read(&self.file) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ServiceError::Path { path: self.file.clone(), source }),
        }
    }

    fn status(&self) -> Result<ServiceView, ServiceError> {
        let unavailable = self.probe().err().map(|error| error.to_string());
        let active = unavailable.is_none() && output_of(&self.is_active).is_ok();
        let present = self.present()?;
        Ok(ServiceView {
            manager: self.name,
            unavailable,
            file: self.file.clone(),
            installed: self.is_ours()? == Some(true),
            current: present.as_ref() == Some(&self.content),
            active,
        })
    }

    fn probe(&self) -> Result<(), ServiceError> {
        let unavailable = |reason| ServiceError::NoManager { program: self.name, reason, advice: self.advice };
        output_of(&self.probe).map_err(unavailable)
    }

    fn run(&self, command: &[String]) -> Result<(), ServiceError> {
        let refused = |reason| ServiceError::Refused { command: command.join(" "), reason, path: self.file.clone() };
        output_of(command).map_err(refused)
    }
}

/// Runs a command to its end; the error is what it said.
#[expect(clippy::disallowed_methods, reason = "asks the service manager")]
fn output_of(command: &[String]) -> Result<(), String> {
    let Some((program, args)) = command.split_first() else { return Ok(()) };
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    Err(if said.is_empty() { output.status.to_string() } else { said })
}

/// A command line of words.
fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// A path as text of a service's file.
fn text_of(path: &Path) -> Result<&str, ServiceError> {
    let text = path.to_str().filter(|text| !text.chars().any(char::is_control));
    text.ok_or_else(|| ServiceError::Unwritable { path: path.to_path_buf() })
}
