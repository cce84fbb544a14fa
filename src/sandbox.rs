//! Asks the kernel to hold the agent to its promise: write access to its own directories, and to nothing else (Landlock, Linux
//! 5.13 and later). Reading stays free. To be called before any thread exists, for it binds the calling thread and its children.

use std::path::Path;

/// How far the kernel holds the process to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sandbox {
    Enforced,
    /// An older kernel, which leaves some ways of writing open (e.g. truncation by path before Linux 6.2).
    Partly,
    /// No Landlock: another system, or a kernel without it.
    Off,
}

impl Sandbox {
    pub fn is_on(self) -> bool {
        self != Self::Off
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::Partly => "partly enforced",
            Self::Off => "off",
        }
    }
}

/// Whether the sandbox denies what it is there to deny: making a file outside of the agent's directories. A file that could be made
/// is removed again. `None` if it failed for another reason, which proves nothing.
pub fn is_denied_outside() -> Option<bool> {
    // Outside by being a direct child: the agent's own directories are deeper, if they are below it at all.
    let path = std::path::Path::new("/tmp").join(format!("ra-agent-tries-the-sandbox-{}", std::process::id()));
    match std::fs::OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(_) => {
            // What cannot be removed is an empty file in a directory that is emptied by itself.
            let _ = std::fs::remove_file(path);
            Some(false)
        }
        Err(error) => (error.kind() == std::io::ErrorKind::PermissionDenied).then_some(true),
    }
}

/// Gives up write access to everything but these directories, which must exist, and `/dev/null`. A refusal by the kernel leaves
/// the process as it was, and is logged.
#[cfg(target_os = "linux")]
pub fn restrict_writes(own: &[&Path]) -> Sandbox {
    use landlock::{
        ABI, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus,
        path_beneath_rules,
    };

    let writes = AccessFs::from_write(ABI::V6);
    let ruled = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(writes)
        .and_then(Ruleset::create)
        .and_then(|rules| rules.add_rules(path_beneath_rules(own, writes)))
        .and_then(|rules| rules.add_rules(path_beneath_rules(["/dev/null"], writes)))
        .and_then(|rules| rules.restrict_self());
    match ruled.map(|status| status.ruleset) {
        Ok(RulesetStatus::FullyEnforced) => Sandbox::Enforced,
        Ok(RulesetStatus::PartiallyEnforced) => Sandbox::Partly,
        Ok(RulesetStatus::NotEnforced) => Sandbox::Off,
        Err(error) => {
            // A process that has replaced itself many times has as many layers as a process may have (16), and is bound by them.
            let inherited = is_denied_outside() == Some(true);
            tracing::warn!(%error, inherited, "no sandbox was added");
            if inherited { Sandbox::Enforced } else { Sandbox::Off }
        }
    }
}

/// Other systems have no Landlock.
#[cfg(not(target_os = "linux"))]
pub fn restrict_writes(_own: &[&Path]) -> Sandbox {
    Sandbox::Off
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn f60_the_kernel_denies_writes_outside_the_agents_directories() {
        let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let there = other.path().join("there");
        std::fs::write(&there, "before").unwrap();
        assert_eq!(is_denied_outside(), Some(false), "nothing is denied yet");
        // Landlock binds the thread that asks for it: this one ends with the test.
        let sandboxed = std::thread::spawn({
            let (own, other, there) = (own.path().to_owned(), other.path().to_owned(), there.clone());
            move || {
                let sandbox = restrict_writes(&[&own]);
                if sandbox == Sandbox::Off {
                    eprintln!("left out: this kernel has no Landlock");
                    return;
                }
                std::fs::write(own.join("mine"), "x").unwrap();
                assert_eq!(std::fs::read_to_string(&there).unwrap(), "before");
                let denied = |outcome: std::io::Result<()>| {
                    assert_eq!(outcome.unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
                };
                denied(std::fs::write(&there, "after"));
                denied(std::fs::write(other.join("new"), "x"));
                denied(std::fs::create_dir(other.join("dir")));
                denied(std::fs::remove_file(&there));
                denied(std::os::unix::fs::symlink(&own, other.join("link")));
                assert_eq!(is_denied_outside(), Some(true));
            }
        });
        sandboxed.join().unwrap();
        assert_eq!(std::fs::read_to_string(&there).unwrap(), "before");
    }

    /// A process may have 16 layers of rules, and one that replaces itself by a new version inherits those of the old ones.
    #[test]
    fn f60_after_many_upgrades_the_kernel_denies_still() {
        let own = tempfile::tempdir().unwrap();
        let path = own.path().to_owned();
        let sandboxed = std::thread::spawn(move || {
            if restrict_writes(&[&path]) == Sandbox::Off {
                eprintln!("left out: this kernel has no Landlock");
                return;
            }
            for _ in 0..20 {
                assert!(restrict_writes(&[&path]).is_on());
            }
            assert_eq!(is_denied_outside(), Some(true));
            std::fs::write(path.join("mine"), "x").unwrap();
        });
        sandboxed.join().unwrap();
    }
}
