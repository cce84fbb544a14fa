//! The promise: `top` shows in a terminal what the page shows, follows it, and leaves the terminal as it was, however it ends.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{TestAgent, TestRepo, left_out, untouched, wait_until};

const LONGEST: Duration = Duration::from_secs(60);
/// Leaves the screen that a program drew on, and shows the cursor.
const LEAVE: &str = "\u{1b}[?1049l";
const ENTER: &str = "\u{1b}[?1049h";

/// What runs in a terminal; the terminal's settings are noted before and after.
const IN_TERMINAL: &str = r#"
    stty rows 24 cols 80
    tty >"$NOTES/tty"
    stty -g >"$NOTES/before"
    sh -c 'echo $$ >"$NOTES/pid"; exec "$@"' sh "$@"
    echo $? >"$NOTES/code"
    stty -g >"$NOTES/after"
    : >"$NOTES/ended"
"#;

/// A program in a terminal of its own, which `script` makes.
struct TestTerminal {
    child: Child,
    keys: ChildStdin,
    written: Arc<Mutex<Vec<u8>>>,
    notes: tempfile::TempDir,
}

impl TestTerminal {
    /// `None`: there is no `script` here.
    #[track_caller]
    fn open(agent: &TestAgent, program: &Path, args: &[&str], environment: &[(&str, &str)]) -> Option<Self> {
        if Command::new("script").arg("--version").stdout(Stdio::null()).status().is_err() {
            left_out("top in a terminal", "there is no `script`; the package bsdutils has it");
            return None;
        }
        let notes = tempfile::tempdir().unwrap();
        let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
        let program = quoted(program.to_str().unwrap());
        let args: String = args.iter().map(|arg| format!(" {}", quoted(arg))).collect();
        let inside = format!("sh -c {} sh {program}{args}", quoted(IN_TERMINAL));
        let environment_of_agent = agent.command(["status"]);
        let of_agent = environment_of_agent.get_envs();
        let of_agent: Vec<(OsString, OsString)> =
            of_agent.filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
        let mut command = Command::new("script");
        command.args(["-q", "-f", "-c", &inside, "/dev/null"]).env_clear().envs(of_agent);
        command.env("TERM", "xterm-256color").env("SHELL", "/bin/sh").env("NOTES", notes.path());
        for (name, value) in environment {
            if value.is_empty() {
                command.env_remove(name)
            } else {
                command.env(name, value)
            };
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (keys, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let written = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&written);
        std::thread::spawn(move || {
            let mut piece = [0; 4_096];
            while let Ok(read @ 1..) = output.read(&mut piece) {
                kept.lock().unwrap().extend_from_slice(&piece[..read]);
            }
        });
        Some(Self { child, keys, written, notes })
    }

    fn top(agent: &TestAgent) -> Option<Self> {
        Self::open(agent, Path::new(env!("CARGO_BIN_EXE_ra-agent")), &["top"], &[])
    }

    fn raw(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().unwrap()).into_owned()
    }

    fn written(&self) -> usize {
        self.written.lock().unwrap().len()
    }

    /// What was written since, in words: commands to the terminal are gaps, but for those that only colour.
    fn words(&self, since: usize) -> String {
        let written = self.written.lock().unwrap();
        let raw = String::from_utf8_lossy(&written[since..]).into_owned();
        drop(written);
        let mut out = String::new();
        let mut rest = raw.chars();
        while let Some(c) = rest.next() {
            if c != '\u{1b}' {
                out.push(c);
            } else if rest.next() == Some('[')
                && let Some(last) = rest.find(|c| ('\u{40}'..='\u{7e}').contains(c))
                && last != 'm'
            {
                out.push(' ');
            }
        }
        out.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[track_caller]
    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Presses keys; this is to be seen of what is drawn then.
    #[track_caller]
    fn shows(&mut self, keys: &str, expected: &[&str]) {
        self.press(keys);
        let since = self.written();
        for one in expected {
            self.sees(since, one);
        }
    }

    /// This is drawn at some time from then on. What stays is not drawn again but in another size.
    #[track_caller]
    fn sees(&self, since: usize, expected: &str) {
        let mut tries = 0;
        wait_until(LONGEST, &format!("there is {expected:?}"), || {
            let is_seen = self.words(since).contains(expected);
            tries += 1;
            if !is_seen && tries % 20 == 0 && self.note("tty").is_some() {
                self.resize(24 + tries / 20 % 2, 80);
            }
            is_seen
        });
    }

    fn note(&self, name: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.notes.path().join(name)).ok()?;
        text.ends_with('\n').then(|| text.trim().to_owned())
    }

    #[track_caller]
    fn pid(&self) -> Pid {
        wait_until(LONGEST, "it has a pid", || self.note("pid").is_some());
        Pid::from_raw(self.note("pid").unwrap().parse().unwrap()).unwrap()
    }

    fn resize(&self, rows: u16, columns: u16) {
        let tty = self.note("tty").unwrap();
        let size = [rows, columns].map(|number| number.to_string());
        let done = Command::new("stty").args(["-F", &tty, "rows", &size[0], "cols", &size[1]]).status().unwrap();
        assert!(done.success());
    }

    /// When it has ended: its exit code and all that was written. The terminal is as it was.
    #[track_caller]
    fn ended(&mut self) -> (String, String) {
        wait_until(LONGEST, "it has ended", || self.notes.path().join("ended").exists());
        self.child.wait().unwrap();
        assert_eq!(self.note("before"), self.note("after"), "the terminal has other settings");
        let raw = self.raw();
        let (entered, left) = (raw.rfind(ENTER), raw.rfind(LEAVE));
        assert!(entered.is_some() && left > entered, "it is left on the other screen: {raw:?}");
        assert!(raw.rfind("\u{1b}[?25h") >= raw.rfind("\u{1b}[?25l"), "the cursor is hidden: {raw:?}");
        (self.note("code").unwrap(), raw)
    }
}

impl Drop for TestTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn limits() -> TestRepo {
    TestRepo::with_files([
        ("src/limits.rs", "/// Keeps a number below the limit.\npub fn clamp(n: u32) -> u32 {\n    n.min(10)\n}\n"),
        ("src/words.rs", "use crate::limits::clamp;\npub fn count(n: u32) -> u32 {\n    clamp(n)\n}\n"),
    ])
}

fn followed(repo: &TestRepo) -> TestAgent {
    let mut agent = TestAgent::without_model();
    agent.start();
    agent.ok(["register", repo.path().to_str().unwrap()]);
    agent.wait();
    agent
}

#[test]
fn it_shows_what_is_there_and_follows_it() {
    let repo = limits();
    let agent = followed(&repo);
    let name = repo.path().file_name().unwrap().to_str().unwrap().to_owned();
    let Some(mut terminal) = TestTerminal::top(&agent) else { return };
    untouched(repo.path(), || {
        terminal.shows("", &["1 Repositories", "daemon running, pid", &name, "current", "2 of 2", "q quit"]);
        terminal.shows("2", &["nothing waits"]);
        terminal.shows("3", &["no model is set up", "no question was asked"]);
        terminal.shows("4keeps a number below", &["clamp", "src/limits.rs:1", "n.min(10)"]);
        terminal.shows("\u{1b}", &["q quit / type"]);
        terminal.shows("1", &["HEAD"]);
    });
    let since = terminal.written();
    repo.write("src/words.rs", "pub fn count(n: u32) -> u32 {\n    n\n}\n");
    let head = repo.commit("Count otherwise");
    terminal.sees(since, &format!("indexed {}", &head[..10]));
    let since = terminal.written();
    terminal.resize(12, 40);
    wait_until(LONGEST, "it has the new size", || terminal.words(since).contains("1 Repos 2 Queue 3 Money 4 Search"));
    terminal.press("q");
    assert_eq!(terminal.ended().0, "0");
}

#[test]
fn without_a_daemon_it_goes_on_reading() {
    let repo = limits();
    let mut agent = followed(&repo);
    let Some(mut terminal) = TestTerminal::top(&agent) else { return };
    terminal.shows("", &["daemon running"]);
    let since = terminal.written();
    agent.stop();
    terminal.sees(since, "no daemon runs, this is what is stored");
    terminal.shows("4keeps a number below", &["clamp", "n.min(10)"]);
    terminal.press("\u{3}");
    assert_eq!(terminal.ended().0, "0");
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    let agent = TestAgent::without_model();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let Some(mut terminal) = TestTerminal::top(&agent) else { return };
        terminal.shows("", &["no repository is registered"]);
        kill_process(terminal.pid(), signal).unwrap();
        assert_eq!(terminal.ended().0, "0", "{signal:?}");
    }
}

/// No story of its own: the next one runs it in a terminal.
#[test]
fn panics_on_the_screen_where_it_is_asked_to() {
    if std::env::var_os("RA_AGENT_TEST_PANICS").is_some() {
        let _ = ra_agent::cli::top::on_screen(|terminal| {
            terminal.draw(|frame| frame.render_widget("something drawn", frame.area())).unwrap();
            panic!("on purpose");
        });
    }
}

#[test]
fn a_panic_leaves_the_terminal_as_it_was() {
    let agent = TestAgent::without_model();
    let test = std::env::current_exe().unwrap();
    let args = ["top::panics_on_the_screen_where_it_is_asked_to", "--exact", "--nocapture"];
    let Some(mut terminal) = TestTerminal::open(&agent, &test, &args, &[("RA_AGENT_TEST_PANICS", "1")]) else { return };
    let (code, raw) = terminal.ended();
    assert!(code != "0" && raw.contains("something"), "{raw:?}");
    assert!(raw.find("on purpose") > raw.find(LEAVE), "its message is lost with the screen: {raw:?}");
}

/// Whether something sets a colour: 30 to 37 and the like, 38, 48.
fn is_coloured(raw: &str) -> bool {
    raw.split("\u{1b}[").skip(1).filter_map(|rest| rest.split_once('m')).any(|(parameters, _)| {
        parameters.bytes().all(|byte| byte.is_ascii_digit() || byte == b';')
            && parameters.split(';').any(|one| matches!(one.parse(), Ok(30..=38 | 40..=48 | 90..=97 | 100..=107)))
    })
}

#[test]
fn no_color_is_obeyed() {
    let agent = TestAgent::without_model();
    for (no_color, is_colour) in [("1", false), ("", true)] {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_ra-agent"));
        let Some(mut terminal) = TestTerminal::open(&agent, &program, &["top"], &[("NO_COLOR", no_color)]) else {
            return;
        };
        terminal.shows("", &["no repository is registered"]);
        terminal.press("q");
        assert_eq!(is_coloured(&terminal.ended().1), is_colour, "NO_COLOR={no_color}");
    }
}

#[test]
fn what_is_no_terminal_is_said_to_be_none() {
    let agent = TestAgent::without_model();
    let done = agent.run(["top"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""));
    assert!(
        done.stderr.contains("standard output is none") && done.stderr.contains("status --watch"),
        "{}",
        done.stderr
    );
    let full = File::options().write(true).open("/dev/full").unwrap();
    assert_eq!(agent.command(["top"]).stdout(full).stderr(Stdio::null()).status().unwrap().code(), Some(2));
}
