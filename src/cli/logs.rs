//! `logs`.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use super::output::print;
use super::{Context, Failure};

/// Bytes at the end of the log that are read for the last lines.
const TAIL_MAX: u64 = 1 << 20;
const POLL_EVERY: Duration = Duration::from_millis(200);

pub fn logs(context: &Context, lines: usize, follow: bool) -> Result<(), Failure> {
    let path = context.home.log_file();
    let unreadable =
        |error: std::io::Error| Failure::Failed(format!("the log {} cannot be read: {error}", path.display()));
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Failure::Failed(format!(
                "there is no log yet at {}; `ra-agent daemon start` writes one",
                path.display()
            )));
        }
        Err(error) => return Err(unreadable(error)),
    };
    let length = file.metadata().map_err(unreadable)?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_MAX))).map_err(unreadable)?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).map_err(unreadable)?;
    let tail = String::from_utf8_lossy(&tail);
    if tail.is_empty() && !follow {
        return print(&format!("the log {} is empty: the daemon has written nothing yet\n", path.display()));
    }
    let all: Vec<&str> = tail.lines().collect();
    let last = &all[all.len().saturating_sub(lines)..];
    print(&last.iter().map(|line| format!("{line}\n")).collect::<String>())?;
    if !follow {
        return Ok(());
    }
    loop {
        let mut more = Vec::new();
        file.read_to_end(&mut more).map_err(unreadable)?;
        print(&String::from_utf8_lossy(&more))?;
        std::thread::sleep(POLL_EVERY);
    }
}
