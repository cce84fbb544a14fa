//! Messages to a service manager: the protocol of sd_notify(3), which is one datagram with lines of `NAME=value`. Without such a manager
//! nothing is sent.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// The service manager that has started this process, if one has.
pub struct ServiceManager {
    address: Option<SocketAddr>,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// As the environment names it: `NOTIFY_SOCKET`, and `WATCHDOG_USEC` unless `WATCHDOG_PID` means another process.
    #[expect(clippy::disallowed_methods, reason = "the service manager sets these variables")]
    pub fn from_env() -> Self {
        Self::named(|name| std::env::var_os(name), std::process::id())
    }

    fn named(variable: impl Fn(&str) -> Option<OsString>, pid: u32) -> Self {
        let address = variable("NOTIFY_SOCKET").filter(|name| !name.is_empty()).and_then(|name| match address(&name) {
            Ok(address) => Some(address),
            Err(error) => {
                tracing::warn!(?name, %error, "the service manager is unreachable");
                None
            }
        });
        let number = |name: &str| variable(name)?.to_str()?.parse::<u64>().ok();
        let for_us = variable("WATCHDOG_PID").is_none() || number("WATCHDOG_PID") == Some(u64::from(pid));
        let watchdog = number("WATCHDOG_USEC").filter(|&micros| micros > 0 && for_us).map(Duration::from_micros);
        Self { address, watchdog }
    }

    /// How often the manager has to hear [`ServiceManager::alive`]: twice in the time after which it takes a silent process for a hung
    /// one, as sd_watchdog_enabled(3) recommends.
    pub fn alive_every(&self) -> Option<Duration> {
        self.address.as_ref().and(self.watchdog).map(|after| after / 2)
    }

    pub fn ready(&self) {
        self.send("READY=1\nSTATUS=repositories are followed");
    }

    /// The program replaces itself by another version of itself, which will say that it is ready.
    pub fn reloading(&self) {
        self.send("RELOADING=1\nSTATUS=a new version takes over");
    }

    pub fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=stopping");
    }

    pub fn alive(&self) {
        if self.watchdog.is_some() {
            self.send("WATCHDOG=1");
        }
    }

    /// Never waits: a manager that does not read is none of the daemon's worries.
    fn send(&self, lines: &str) {
        let Some(address) = &self.address else { return };
        let sent = UnixDatagram::unbound().and_then(|socket| {
            socket.set_nonblocking(true)?;
            socket.send_to_addr(lines.as_bytes(), address)
        });
        if let Err(error) = sent {
            tracing::debug!(%error, lines, "a message to the service manager was not sent");
        }
    }
}

/// An absolute path, or a name in Linux's abstract name space after `@`.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes() {
        [b'/', ..] => SocketAddr::from_pathname(name),
        #[cfg(target_os = "linux")]
        [b'@', rest @ ..] => <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(rest),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is neither a path nor an abstract name")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manager(variables: &[(&str, &OsStr)]) -> ServiceManager {
        let find = |name: &str| Some(variables.iter().find(|(known, _)| *known == name)?.1.to_owned());
        ServiceManager::named(find, 7)
    }

    fn heard(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 1_024];
        let read = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..read].to_vec()).unwrap()
    }

    #[test]
    fn a_manager_hears_of_each_step() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let messages = manager(&[("NOTIFY_SOCKET", path.as_os_str()), ("WATCHDOG_USEC", "3000000".as_ref())]);
        assert_eq!(messages.alive_every(), Some(Duration::from_millis(1_500)));
        messages.ready();
        assert!(heard(&socket).starts_with("READY=1\n"));
        messages.alive();
        assert_eq!(heard(&socket), "WATCHDOG=1");
        messages.reloading();
        assert!(heard(&socket).starts_with("RELOADING=1\n"));
        messages.stopping();
        assert!(heard(&socket).starts_with("STOPPING=1\n"));
    }

    #[test]
    fn a_watchdog_of_another_process_or_without_a_socket_is_none() {
        let socket = ("NOTIFY_SOCKET", OsStr::new("/run/x"));
        let usec = ("WATCHDOG_USEC", OsStr::new("10"));
        assert_eq!(manager(&[socket, usec, ("WATCHDOG_PID", "8".as_ref())]).alive_every(), None);
        assert!(manager(&[socket, usec, ("WATCHDOG_PID", "7".as_ref())]).alive_every().is_some());
        assert_eq!(manager(&[usec]).alive_every(), None);
        assert_eq!(manager(&[socket, ("WATCHDOG_USEC", "soon".as_ref())]).alive_every(), None);
    }

    #[test]
    fn a_manager_that_is_gone_or_reads_nothing_delays_no_stop() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let silent = UnixDatagram::bind(&path).unwrap();
        let messages = manager(&[("NOTIFY_SOCKET", path.as_os_str())]);
        // more than any queue of datagrams holds
        (0..2_000).for_each(|_| messages.ready());
        drop(silent);
        messages.stopping();
        manager(&[("NOTIFY_SOCKET", "relative".as_ref())]).ready();
        manager(&[]).ready();
    }
}
