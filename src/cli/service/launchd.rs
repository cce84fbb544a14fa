//! An agent of the user's own launchd.

use super::{Manager, Paths, ServiceError, text_of};

const TEMPLATE: &str = include_str!("../../../install/ra-agent.plist");
const LABEL: &str = "io.github.ra-agent";

pub(super) fn manager(paths: &Paths) -> Result<Manager, ServiceError> {
    let file = dirs::home_dir().ok_or(ServiceError::NoUserHome)?.join(format!("Library/LaunchAgents/{LABEL}.plist"));
    let mut content = TEMPLATE.to_owned();
    for (name, path) in [("@PROGRAM@", &paths.program), ("@HOME@", &paths.home), ("@LOG@", &paths.log)] {
        content = content.replace(name, &escaped(text_of(path)?));
    }
    let domain = format!("gui/{}", rustix::process::getuid().as_raw());
    let launchctl = |args: &[&str]| [&["launchctl"], args].concat().into_iter().map(str::to_owned).collect::<Vec<_>>();
    let (service, path) = (format!("{domain}/{LABEL}"), text_of(&file)?.to_owned());
    Ok(Manager {
        name: "launchd",
        content: content.into_bytes(),
        take_up: vec![launchctl(&["bootstrap", &domain, &path]), launchctl(&["kickstart", "-k", &service])],
        give_up: vec![launchctl(&["bootout", &service])],
        forget: Vec::new(),
        probe: launchctl(&["print", &domain]),
        is_active: launchctl(&["print", &service]),
        advice: "Outside a login session, `ra-agent daemon start` does without a service",
        file,
    })
}

/// Text of an XML element.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stands_in_the_property_list_as_text() {
        let paths = Paths { program: "/a & b/<c>".into(), home: "/h".into(), log: "/h/logs/l".into() };
        let content = String::from_utf8(manager(&paths).unwrap().content).unwrap();
        assert!(content.contains("<string>/a &amp; b/&lt;c&gt;</string>"), "{content}");
        assert!(!content.contains('@'), "{content}");
    }
}
