//! A unit of the user's own systemd.

use std::path::PathBuf;

use super::{Manager, Paths, ServiceError, text_of, words};

const TEMPLATE: &str = include_str!("../../../install/ra-agent.service");
const UNIT: &str = "ra-agent.service";

pub(super) fn manager(paths: &Paths) -> Result<Manager, ServiceError> {
    let home = quoted(&format!("RA_AGENT_HOME={}", text_of(&paths.home)?));
    let program = quoted(text_of(&paths.program)?).replace('$', "$$");
    // The rest of the line is the path, blanks and quotes included; only `%` is special.
    let log = text_of(&paths.log)?.replace('%', "%%");
    let content = TEMPLATE.replace("@PROGRAM@", &program).replace("@HOME@", &home).replace("@LOG@", &log);
    Ok(Manager {
        name: "systemd",
        file: user_units()?.join(UNIT),
        content: content.into_bytes(),
        take_up: vec![
            words("systemctl --user daemon-reload"),
            words(&format!("systemctl --user enable {UNIT}")),
            words(&format!("systemctl --user restart {UNIT}")),
        ],
        give_up: vec![words(&format!("systemctl --user disable --now {UNIT}"))],
        forget: vec![words("systemctl --user daemon-reload")],
        probe: words("systemctl --user show-environment"),
        is_active: words(&format!("systemctl --user --quiet is-active {UNIT}")),
        advice: "Without systemd, or outside a login session, `ra-agent daemon start` does without a service \
                 (for a session of your own on a server: `loginctl enable-linger`)",
    })
}

/// Directory of the user's own units (systemd.unit(5)).
#[expect(clippy::disallowed_methods, reason = "systemd reads this variable too")]
fn user_units() -> Result<PathBuf, ServiceError> {
    let set = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let config = match set {
        Some(config) => config,
        None => dirs::home_dir().ok_or(ServiceError::NoUserHome)?.join(".config"),
    };
    Ok(config.join("systemd/user"))
}

/// One word of a unit's line (systemd.syntax(7), systemd.service(5)); `%` begins a specifier.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::process::Command;

    fn unit(home: &str) -> String {
        let paths = Paths { program: "/bin/true".into(), home: home.into(), log: Path::new(home).join("logs/log") };
        String::from_utf8(manager(&paths).unwrap().content).unwrap()
    }

    #[test]
    fn a_path_stands_in_the_unit_as_one_word() {
        let unit = unit("/home/a b/100% \"mine\"\\");
        assert!(unit.contains(r#"Environment="RA_AGENT_HOME=/home/a b/100%% \"mine\"\\""#), "{unit}");
        assert!(unit.contains("StandardError=append:/home/a b/100%% \"mine\"\\/logs/log\n"), "{unit}");
        assert!(unit.contains("ExecStart=\"/bin/true\" daemon run\n"), "{unit}");
        let paths = Paths { program: "/a\nb".into(), home: "/h".into(), log: "/l".into() };
        assert!(matches!(manager(&paths), Err(ServiceError::Unwritable { .. })));
    }

    #[test]
    fn systemd_finds_nothing_wrong_with_the_unit() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(UNIT);
        std::fs::write(&file, unit("/home/a b/100%")).unwrap();
        let Ok(output) = verify(&file) else {
            crate::left_out::left_out("all", "this machine has no systemd-analyze");
            return;
        };
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && !said.contains(UNIT), "{said}");
        // it does find what is wrong
        std::fs::write(&file, unit("/h").replace("Type=notify", "Type=nonsense")).unwrap();
        let said = verify(&file).unwrap();
        assert!(String::from_utf8_lossy(&said.stderr).contains("nonsense"), "{said:?}");
    }

    fn verify(unit: &Path) -> std::io::Result<std::process::Output> {
        let dir = unit.parent().unwrap();
        let mut analyze = Command::new("systemd-analyze");
        analyze.args(["verify", "--user", "--man=no"]).arg(unit).env("XDG_RUNTIME_DIR", dir).env("HOME", dir).output()
    }
}
