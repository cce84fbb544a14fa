//! The machine that the figures are of, and what its processes hold. Where the system does not tell, it is `None` or "unknown".

use super::figures::size;

/// One line: cores, processor, memory, load, and the program that is measured.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let memory = kib(field("/proc/meminfo", "MemTotal"))
        .map_or_else(|| "unknown".to_owned(), |bytes| format!("{:.1} GB", bytes as f64 / 1e9));
    let program = std::fs::metadata(env!("CARGO_BIN_EXE_ra-agent")).unwrap().len();
    format!(
        "{cores} cores of {processor} ({}), {memory} of memory, load average at the start {}; ra-agent is {}",
        std::env::consts::ARCH,
        load(),
        size(program)
    )
}

/// Load averages over 1, 5 and 15 minutes.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_else(|_| "unknown".to_owned());
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// Resident memory of a process in bytes: now, and at its highest.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resident {
    pub now: u64,
    pub peak: u64,
}

/// `None`: the process is gone, or the system does not tell.
pub fn resident(pid: u32) -> Option<Resident> {
    let status = format!("/proc/{pid}/status");
    Some(Resident { now: kib(field(&status, "VmRSS"))?, peak: kib(field(&status, "VmHWM"))? })
}

/// Resident memory of a process and of all below it, in bytes.
pub fn resident_together(pid: u32) -> u64 {
    let Ok(all) = std::fs::read_dir("/proc") else { return 0 };
    let pids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let parents: Vec<(u32, u32)> = pids.filter_map(|pid| Some((pid, parent_of(pid)?))).collect();
    let (mut sum, mut todo) = (0, vec![pid]);
    while let Some(pid) = todo.pop() {
        sum += resident(pid).map_or(0, |resident| resident.now);
        todo.extend(parents.iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| *child));
    }
    sum
}

fn parent_of(pid: u32) -> Option<u32> {
    field(&format!("/proc/{pid}/status"), "PPid")?.parse().ok()
}

/// The value of the first line `name: value` of a file.
fn field(path: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let values = text.lines().filter_map(|line| line.split_once(':'));
    values.into_iter().find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}

/// Bytes of `1234 kB`, as `/proc` says for KiB.
fn kib(value: Option<String>) -> Option<u64> {
    value?.strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1_024)
}
