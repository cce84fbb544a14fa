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
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforced => "enforced",
            Self::Partly => "partly enforced",
            Self::Off => "off",
        }
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
            tracing::warn!(%error, "the sandbox is off");
            Sandbox::Off
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
    fn f60_the_kernel_denies_writes_outside_and_lets_reads_and_own_writes_be() {
        let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let there = other.path().join("there");
        std::fs::write(&there, "before").unwrap();
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
            }
        });
        sandboxed.join().unwrap();
        assert_eq!(std::fs::read_to_string(&there).unwrap(), "before");
    }
}
