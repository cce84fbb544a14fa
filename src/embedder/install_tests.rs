use std::io::{BufRead, BufReader};
use std::net::TcpListener;

use super::*;
use crate::embedder::model::{CONFIG, DEFAULT, KNOWN, ModelFile, TOKENIZER, WEIGHTS};

const CONTENTS: [(&str, &[u8]); 3] = [(WEIGHTS, b"weights"), (TOKENIZER, b"tokens"), (CONFIG, b"config")];

const FILES: &[ModelFile] = &[
    ModelFile { name: WEIGHTS, bytes: 7, sha256: "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c" },
    ModelFile { name: TOKENIZER, bytes: 6, sha256: "c51e455b41df6c017327e16001dd064b8b6733faeaa69b23d9bd79c8079237d5" },
    ModelFile { name: CONFIG, bytes: 6, sha256: "b79606fb3afea5bd1609ed40b622142f1c98125abcfe89a76a661b0e8e343910" },
];

/// A model of three small files.
fn small() -> KnownModel {
    KnownModel { id: "small", files: FILES, bytes: 19, ..KNOWN[0].clone() }
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
            let name = url.strip_prefix(&expected).or_else(|| url.strip_prefix("/any/tiny/resolve/main/"));
            let (status, body) = name.map_or((404, Vec::new()), &answer);
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let body = if request.starts_with("HEAD") { &[][..] } else { &body };
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).unwrap();
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
    assert!(!is_installed(&dest, DEFAULT), "its files are others");
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
    assert_eq!(std::fs::read(dest.join(CONFIG)).unwrap(), content(CONFIG));
    assert_eq!(names(&home.path().join("models")), ["m"]);
}

#[tokio::test]
async fn a_download_takes_the_pinned_revision() {
    let home = tempfile::tempdir().unwrap();
    let dest = home.path().join("m");
    let mut last = Progress { done: 0, total: 0 };
    let hub = hub(|name| (200, content(name)));
    download_from(&hub, &dest, &small(), |progress| last = progress).await.unwrap();
    assert_eq!(last.done, 19);
    assert_eq!(std::fs::read(dest.join(WEIGHTS)).unwrap(), content(WEIGHTS));
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

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(name)
}

#[test]
fn a_directory_of_any_family_is_recorded_and_checked() {
    let home = tempfile::tempdir().unwrap();
    let dest = home.path().join("models/tiny");
    let mut last = Progress { done: 0, total: 0 };
    let made = install_any(&dest, &reference("modernbert"), "tiny", |progress| last = progress).unwrap();
    assert_eq!((last.done, made.dimensions), (last.total, 16));
    let mut files: Vec<&str> = made.files.iter().map(|file| file.name.as_str()).collect();
    files.sort_unstable();
    assert_eq!(
        files,
        [
            "1_Pooling/config.json",
            "config.json",
            "config_sentence_transformers.json",
            "model.safetensors",
            "modules.json",
            "sentence_bert_config.json",
            "tokenizer.json"
        ]
    );
    assert!(is_installed(&dest, "tiny") && !is_installed(&home.path().join("models/other"), "other"));
    verify(&dest, "tiny").unwrap();
    install_any(&dest, &reference("modernbert"), "tiny", |_| {}).unwrap();

    // other weights under the same name would mix vectors of two models
    let error = install_any(&dest, &reference("bert"), "tiny", |_| {}).unwrap_err();
    assert!(matches!(error, InstallError::OtherFiles { .. }), "{error}");
    verify(&dest, "tiny").unwrap();
    assert_eq!(names(&home.path().join("models")), ["tiny"]);

    let path = dest.join(TOKENIZER);
    let mut content = std::fs::read(&path).unwrap();
    content[9] ^= 1;
    std::fs::write(&path, content).unwrap();
    let error = verify(&dest, "tiny").unwrap_err().to_string();
    assert!(error.contains(TOKENIZER) && error.contains("SHA-256"), "{error}");
}

#[test]
fn a_model_that_cannot_be_used_is_not_installed() {
    let home = tempfile::tempdir().unwrap();
    let (source, dest) = (home.path().join("source"), home.path().join("models/m"));
    std::fs::create_dir_all(&source).unwrap();
    let files = |error: InstallError| error.to_string();
    assert!(files(install_any(&dest, &source, "m", |_| {}).unwrap_err()).contains("config.json"));
    for name in [CONFIG, TOKENIZER, WEIGHTS] {
        std::fs::copy(reference("bert").join(name), source.join(name)).unwrap();
    }
    std::fs::write(source.join(CONFIG), r#"{"model_type": "llama"}"#).unwrap();
    let error = install_any(&dest, &source, "m", |_| {}).unwrap_err().to_string();
    assert!(error.contains("family llama") && error.contains("NomicBERT"), "{error}");
    std::fs::write(source.join("modules.json"), r#"[{"type": "a.Dense", "path": "2_Dense"}]"#).unwrap();
    let error = install_any(&dest, &source, "m", |_| {}).unwrap_err().to_string();
    assert!(error.contains("Dense"), "{error}");
    assert!(names(&home.path().join("models")).is_empty());
}

/// Changes something about a directory that holds a model.
type Harm = fn(&Path);

const HARMS: [(&str, Harm, &str); 14] = [
    ("no tokenizer", |dir| std::fs::remove_file(dir.join(TOKENIZER)).unwrap(), "tokenizer.json is missing"),
    ("no weights", |dir| std::fs::remove_file(dir.join(WEIGHTS)).unwrap(), "model.safetensors is missing"),
    (
        "weights of PyTorch",
        |dir| std::fs::rename(dir.join(WEIGHTS), dir.join("pytorch_model.bin")).unwrap(),
        "a format that is not read",
    ),
    ("no bytes", |dir| std::fs::write(dir.join(WEIGHTS), b"").unwrap(), "header too small"),
    ("half the bytes", |dir| keep(dir, 2), "not fully covered"),
    ("another page", |dir| std::fs::write(dir.join(WEIGHTS), b"<html>not found").unwrap(), "header too large"),
    (
        "a pointer",
        |dir| std::fs::write(dir.join(WEIGHTS), b"version https://git-lfs.github.com/spec/v1\n").unwrap(),
        "pointer of Git LFS",
    ),
    (
        "a tokenizer that is a pointer",
        |dir| std::fs::write(dir.join(TOKENIZER), b"version https://git-lfs.github.com/spec/v1\n").unwrap(),
        "pointer of Git LFS",
    ),
    (
        "a shard that is not there",
        |dir| {
            std::fs::remove_file(dir.join(WEIGHTS)).unwrap();
            std::fs::write(dir.join("model.safetensors.index.json"), r#"{"weight_map": {"a": "b.safetensors"}}"#)
                .unwrap();
        },
        "b.safetensors is missing",
    ),
    ("not finite", |dir| fill(dir, &f32::NAN.to_le_bytes()), "not finite"),
    ("another size", |dir| edit(dir, CONFIG, "hidden_size", 48.into()), "has the shape [2, 24]"),
    ("a negative size", |dir| edit(dir, CONFIG, "hidden_size", (-1).into()), "config.json cannot be read"),
    ("more layers", |dir| edit(dir, CONFIG, "num_hidden_layers", 9.into()), "encoder.layer.2"),
    ("tokens beyond the network", add_token, "its token \"zyzzyva\" has the number 99999"),
];

fn keep(dir: &Path, part: usize) {
    let content = std::fs::read(dir.join(WEIGHTS)).unwrap();
    std::fs::write(dir.join(WEIGHTS), &content[..content.len() / part]).unwrap();
}

/// Writes a number over all of the weights.
fn fill(dir: &Path, number: &[u8; 4]) {
    let mut content = std::fs::read(dir.join(WEIGHTS)).unwrap();
    let header = 8 + u64::from_le_bytes(content[..8].try_into().unwrap()) as usize;
    content[header..].chunks_exact_mut(4).for_each(|value| value.copy_from_slice(number));
    std::fs::write(dir.join(WEIGHTS), content).unwrap();
}

fn edit(dir: &Path, name: &str, key: &str, value: serde_json::Value) {
    let mut content: serde_json::Value = serde_json::from_slice(&std::fs::read(dir.join(name)).unwrap()).unwrap();
    content[key] = value;
    std::fs::write(dir.join(name), content.to_string()).unwrap();
}

fn add_token(dir: &Path) {
    let mut content: serde_json::Value = serde_json::from_slice(&std::fs::read(dir.join(TOKENIZER)).unwrap()).unwrap();
    content["model"]["vocab"]["zyzzyva"] = 99_999.into();
    std::fs::write(dir.join(TOKENIZER), content.to_string()).unwrap();
}

#[test]
fn a_harmed_model_is_refused_by_its_own_path() {
    let home = tempfile::tempdir().unwrap();
    let (source, models) = (home.path().join("source"), home.path().join("models"));
    for (harm, apply, why) in HARMS {
        std::fs::create_dir_all(&source).unwrap();
        for name in [CONFIG, TOKENIZER, WEIGHTS] {
            std::fs::copy(reference("bert").join(name), source.join(name)).unwrap();
        }
        apply(&source);
        let error = install_any(&models.join("m"), &source, "m", |_| {}).unwrap_err().to_string();
        assert!(error.contains(why), "{harm}: {error}");
        assert!(!error.contains(".partial") && !error.contains('\n'), "{harm}: {error}");
        assert!(error.contains(source.to_str().unwrap()) || harm == "not finite", "{harm}: {error}");
        assert!(!models.exists() || names(&models).is_empty(), "{harm}");
        std::fs::remove_dir_all(&source).unwrap();
    }
}

#[test]
fn a_pinned_file_is_checked_wherever_it_comes_from() {
    let home = tempfile::tempdir().unwrap();
    let dest = home.path().join("all-mpnet-base-v2");
    let error = install_any(&dest, &reference("mpnet"), "all-mpnet-base-v2", |_| {}).unwrap_err();
    assert!(matches!(error, InstallError::WrongHash { .. }), "{error}");
    assert!(names(home.path()).is_empty());
}

#[tokio::test]
async fn a_repository_on_the_hub_is_installed_with_what_it_has() {
    let home = tempfile::tempdir().unwrap();
    let dest = home.path().join("tiny");
    let from = |family: &'static str| {
        hub(move |name| std::fs::read(reference(family).join(name)).map_or((404, Vec::new()), |content| (200, content)))
    };
    let made = any::download_any_from(&from("nomic-bert"), &dest, "any/tiny", "tiny", |_| {}).await.unwrap();
    assert_eq!((made.from.as_str(), made.dimensions, made.files.len()), ("any/tiny", 24, 7));
    verify(&dest, "tiny").unwrap();
    let error = any::download_any_from(&from("bert"), &dest, "any/tiny", "tiny", |_| {}).await.unwrap_err();
    assert!(matches!(error, InstallError::OtherFiles { .. }), "{error}");
    assert_eq!(names(home.path()), ["tiny"]);
}

#[test]
fn a_name_is_a_known_model_a_directory_or_a_repository() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().canonicalize().unwrap().join("my-model");
    std::fs::create_dir(&dir).unwrap();
    let id = |wanted: &str| source_of(wanted, None).map(|source| source.id().to_owned());
    assert_eq!(id(DEFAULT).as_deref(), Some(DEFAULT));
    assert_eq!(id("nomic-ai/CodeRankEmbed").as_deref(), Some("CodeRankEmbed"));
    assert!(matches!(source_of("nomic-ai/CodeRankEmbed", None), Some(ModelSource::Known { .. })));
    let found = source_of(dir.to_str().unwrap(), None).unwrap();
    assert_eq!(found, ModelSource::Directory { dir: dir.clone(), id: "my-model".to_owned() });
    let named = source_of("other", Some(&dir)).unwrap();
    assert_eq!(named, ModelSource::Directory { dir, id: "other".to_owned() });
    let repository = ModelSource::Repository { repository: "someone/small".to_owned(), id: "small".to_owned() };
    assert_eq!(source_of("someone/small", None), Some(repository));
    for odd in ["nothing", "../secret/x", "a/b/c", "a/.b", "/nowhere/at/all", ""] {
        assert_eq!(source_of(odd, None), None, "{odd:?}");
    }
}
