use std::io::{BufRead, BufReader};
use std::net::TcpListener;

use super::*;
use crate::embedder::model::{CONFIG, KNOWN, TOKENIZER, WEIGHTS};

const CONTENTS: [(&str, &[u8]); 3] = [(WEIGHTS, b"weights"), (TOKENIZER, b"tokens"), (CONFIG, b"config")];

/// A model of three small files.
fn small() -> ModelSpec {
    let sums = [
        "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c",
        "c51e455b41df6c017327e16001dd064b8b6733faeaa69b23d9bd79c8079237d5",
        "b79606fb3afea5bd1609ed40b622142f1c98125abcfe89a76a661b0e8e343910",
    ];
    let mut spec = KNOWN[0];
    for (file, ((name, content), sha256)) in spec.files.iter_mut().zip(CONTENTS.into_iter().zip(sums)) {
        *file = ModelFile { name, bytes: content.len() as u64, sha256 };
    }
    spec
}

fn write_files(dir: &Path) {
    std::fs::create_dir_all(dir).unwrap();
    CONTENTS.iter().for_each(|(name, content)| std::fs::write(dir.join(name), content).unwrap());
}

/// Everything in a directory, for seeing that nothing is left behind.
fn names(dir: &Path) -> Vec<String> {
    std::fs::read_dir(dir).unwrap().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// A hub on loopback that gives each file of [`small`] what `answer` says for its name.
fn hub(answer: impl Fn(&str) -> (u16, Vec<u8>) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request = lines.next().unwrap().unwrap();
            lines.find(|line| line.as_ref().is_ok_and(String::is_empty));
            let url = request.split(' ').nth(1).unwrap().to_owned();
            let expected = format!("/{}/resolve/{}/", KNOWN[0].repository, KNOWN[0].revision);
            let (status, body) = url.strip_prefix(&expected).map_or((404, Vec::new()), &answer);
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).unwrap();
        }
    });
    address
}

fn content(name: &str) -> Vec<u8> {
    CONTENTS.iter().find(|(of, _)| *of == name).unwrap().1.to_vec()
}

#[test]
fn files_from_a_directory_are_checked_and_put_in_place_together() {
    let home = tempfile::tempdir().unwrap();
    let (source, dest) = (home.path().join("source"), home.path().join("models/m"));
    write_files(&source);
    let mut last = Progress { done: 0, total: 0 };
    install_from(&dest, &source, &small(), |progress| last = progress).unwrap();
    assert_eq!(last, Progress { done: 19, total: 19 });
    assert!(is_installed(&dest, &small()));
    verify(&dest, &small()).unwrap();
    assert_eq!(names(&home.path().join("models")), ["m"]);
}

#[test]
fn a_wrong_or_missing_file_leaves_what_was_there() {
    let home = tempfile::tempdir().unwrap();
    let (source, dest) = (home.path().join("source"), home.path().join("models/m"));
    write_files(&source);
    install_from(&dest, &source, &small(), |_| {}).unwrap();

    std::fs::write(source.join(CONFIG), b"cOnfig").unwrap();
    let error = install_from(&dest, &source, &small(), |_| {}).unwrap_err();
    assert!(matches!(&error, InstallError::WrongHash { path, .. } if path.ends_with(CONFIG)), "{error}");
    std::fs::remove_file(source.join(WEIGHTS)).unwrap();
    let error = install_from(&dest, &source, &small(), |_| {}).unwrap_err();
    assert!(matches!(&error, InstallError::Missing { path } if path.ends_with(WEIGHTS)), "{error}");
    verify(&dest, &small()).unwrap();
    assert_eq!(names(&home.path().join("models")), ["m"]);
}

#[test]
fn verify_names_a_file_that_was_changed() {
    let home = tempfile::tempdir().unwrap();
    write_files(home.path());
    std::fs::write(home.path().join(TOKENIZER), b"tokenS").unwrap();
    assert!(is_installed(home.path(), &small()));
    let error = verify(home.path(), &small()).unwrap_err().to_string();
    assert!(error.contains(TOKENIZER) && error.contains("SHA-256"), "{error}");
}

#[tokio::test]
async fn a_download_takes_the_pinned_revision() {
    let home = tempfile::tempdir().unwrap();
    let dest = home.path().join("m");
    let mut last = Progress { done: 0, total: 0 };
    let hub = hub(|name| (200, content(name)));
    download_from(&hub, &dest, &small(), |progress| last = progress).await.unwrap();
    assert_eq!(last.done, 19);
    verify(&dest, &small()).unwrap();
    assert_eq!(names(home.path()), ["m"]);
}

#[tokio::test]
async fn a_download_of_another_or_a_larger_file_installs_nothing() {
    let home = tempfile::tempdir().unwrap();
    let dest = home.path().join("m");
    let other = hub(|name| (200, if name == CONFIG { b"cOnfig".to_vec() } else { content(name) }));
    let error = download_from(&other, &dest, &small(), |_| {}).await.unwrap_err();
    assert!(matches!(error, InstallError::WrongHash { .. }), "{error}");
    let larger = hub(|name| (200, [content(name), vec![b'!'; 100_000]].concat()));
    let error = download_from(&larger, &dest, &small(), |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("larger than"), "{error}");
    assert!(names(home.path()).is_empty());
}

#[tokio::test]
async fn a_hub_that_refuses_or_is_not_there_names_the_other_way() {
    let home = tempfile::tempdir().unwrap();
    let dest = home.path().join("m");
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for hub in [hub(|_| (403, Vec::new())), format!("http://{gone}")] {
        let error = download_from(&hub, &dest, &small(), |_| {}).await.unwrap_err().to_string();
        assert!(
            error.contains(&hub) && error.contains("ra-agent model install all-MiniLM-L6-v2 --from DIR"),
            "{error}"
        );
    }
    assert!(names(home.path()).is_empty());
}
