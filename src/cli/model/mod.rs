//! `model install`, `model use`, `model list`, `model compare`.

mod compare;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};

use super::output::{human_bytes, print, print_json};
use super::{Context, Failure};
use crate::config::set_embedding_model;
use crate::daemon::control::{self, ControlError, ControlReply, Request};
use crate::embedder::encoder::Embedder;
use crate::embedder::install::{
    InstallError, ModelSource, Progress, download, download_any, install_any, install_from, is_installed, source_of,
    verify,
};
use crate::embedder::model::{DEFAULT, KNOWN, KnownModel};
use crate::embedder::record::{self, ModelRecord};
use crate::embedder::table::StaticTable;
use crate::query::suggest;
use crate::query::view::models::{ModelView, ModelsView};

#[derive(Subcommand)]
pub enum ModelAct {
    /// Install an embedding model and use it from now on
    Install {
        /// A known model (the default is bge-small-en-v1.5), a directory, or a repository on the hub: owner/name
        model: Option<String>,
        /// Copy its files from this directory instead of downloading them; a model that is not known gets this name
        #[arg(long, value_name = "DIR")]
        from: Option<PathBuf>,
        /// Make no table for provisional vectors: a first index is then searchable by meaning some minutes later
        #[arg(long)]
        without_table: bool,
        /// Do not use it yet
        #[arg(long)]
        only_install: bool,
    },
    /// Use an installed model from now on. The vectors of the one before serve until its own are there
    Use {
        /// Its name in `ra-agent model list`
        model: String,
    },
    /// Measure how well installed models find in a repository, next to words alone, and recommend one
    Compare {
        /// Installed models; without any, all of them
        models: Vec<String>,
        /// The repository, a path inside it, or its id
        #[arg(long)]
        repo: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the known and the installed models; show which one is in use
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub fn run(context: &Context, act: ModelAct) -> Result<(), Failure> {
    match act {
        ModelAct::Install { model, from, without_table, only_install } => {
            let id = install(context, model.as_deref().unwrap_or(DEFAULT), from.as_deref())?;
            let dir = context.home.model(&id);
            if !without_table && StaticTable::read(&dir).is_none() {
                distil(&dir, &id, context.config.embedding.threads)?;
            }
            if only_install { Ok(()) } else { use_model(context, &id) }
        }
        ModelAct::Use { model } => {
            let dir = context.home.model(&model);
            if !is_installed(&dir, &model) {
                let advice = not_installed(context, &model, "");
                return Err(Failure::Usage(format!("the model {model} is not installed{advice}")));
            }
            verify(&dir, &model)?;
            use_model(context, &model)?;
            print(&format!("{model} is in use; `ra-agent status` tells how far each repository is\n"))
        }
        ModelAct::Compare { models, repo, json } => compare::run(context, models, &repo, json),
        ModelAct::List { json } => list(context, json),
    }
}

fn hint(context: &Context, name: &str) -> String {
    let mut names: Vec<String> = KNOWN.iter().map(|known| known.id.to_owned()).collect();
    names.extend(record::installed(&context.home.models()).into_keys());
    // it is no suggestion to say again what was said
    names.retain(|known| known != name);
    suggest::hint(name, names.iter().map(String::as_str))
}

/// What to do about a model that is not installed: it is known and can be, or another one was meant. `flags`: of the install.
fn not_installed(context: &Context, model: &str, flags: &str) -> String {
    match KNOWN.iter().any(|known| known.id == model) {
        true => format!("; `ra-agent model install{flags} {model}` gets it"),
        false => format!("{}; `ra-agent model list` lists those that are", hint(context, model)),
    }
}

/// Written down, so that the choice does not change by itself.
fn use_model(context: &Context, id: &str) -> Result<(), Failure> {
    set_embedding_model(&context.home.config_file(), id)?;
    match control::ask(&context.home, Request::Reload) {
        Ok(ControlReply::Failed { message }) => Err(Failure::Failed(message)),
        Ok(_) => Ok(()),
        Err(ControlError::NotRunning) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Installs what a person named; the id that it has from now on.
fn install(context: &Context, wanted: &str, from: Option<&Path>) -> Result<String, Failure> {
    let source = source_of(wanted, from).ok_or_else(|| {
        if from.is_none() && Path::new(wanted).is_dir() {
            return Failure::Usage(format!(
                "the directory's name cannot be a model's (letters, digits, `.`, `_`, `-`); give it one: \
                 ra-agent model install NAME --from {wanted:?}"
            ));
        }
        let names = KNOWN.iter().map(|known| known.id).collect::<Vec<_>>().join(", ");
        let hint = hint(context, wanted);
        Failure::Usage(format!(
            "the model {wanted} is unknown{hint}; known models: {names}; or name a directory, or owner/name on the hub"
        ))
    })?;
    context.home.create()?;
    let id = source.id().to_owned();
    let dest = context.home.model(&id);
    if matches!(source, ModelSource::Known { .. }) && is_installed(&dest, &id) {
        print(&format!("{id} is installed already\n"))?;
        return Ok(id);
    }
    let record = fetch(&dest, &source)?;
    print(&format!("installed {id} in {}\n", dest.display()))?;
    if let Some(record) = record {
        let dimensions = record.dimensions;
        print(&format!("{dimensions} dimensions; the SHA-256 of its {} files are recorded\n", record.files.len()))?;
    }
    Ok(id)
}

fn fetch(dest: &Path, source: &ModelSource) -> Result<Option<ModelRecord>, Failure> {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {msg}") {
        bar.set_style(style);
    }
    bar.set_message(source.id().to_owned());
    let progress = |progress: Progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    };
    let fetched: Result<Option<ModelRecord>, InstallError> = match source {
        ModelSource::Known { known, from: Some(dir) } if known.rules.is_some() => {
            install_from(dest, dir, known, progress).map(|()| None)
        }
        ModelSource::Known { known, from: Some(dir) } => install_any(dest, dir, known.id, progress).map(Some),
        ModelSource::Directory { dir, id } => install_any(dest, dir, id, progress).map(Some),
        ModelSource::Known { known, from: None } if known.rules.is_some() => {
            online(download(dest, known, progress))?.map(|()| None)
        }
        ModelSource::Known { known, from: None } => {
            online(download_any(dest, known.repository, known.id, progress))?.map(Some)
        }
        ModelSource::Repository { repository, id } => online(download_any(dest, repository, id, progress))?.map(Some),
    };
    bar.finish_and_clear();
    fetched.map_err(|error| match Failure::from(error) {
        Failure::Failed(reason) => Failure::Failed(format!("{} is not installed: {reason}", source.id())),
        other => other,
    })
}

fn online<T>(download: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Failed(format!("cannot start the download: {error}")))?;
    Ok(runtime.block_on(download))
}

/// Makes the table for provisional vectors.
fn distil(dir: &Path, id: &str, threads: usize) -> Result<(), Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::Failed(format!("{error}; or: ra-agent model install --without-table"));
    let embedder = Embedder::load(dir, id, threads).map_err(|error| failed(&error))?;
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    bar.set_message("tokens in the table for provisional vectors");
    let progress = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    let table = embedder.distil(progress).map_err(|error| failed(&error));
    bar.finish_and_clear();
    table?.write(dir).map_err(|error| failed(&error))?;
    print("made its table for provisional vectors: a new repository can be searched by meaning within seconds\n")
}

fn list(context: &Context, json: bool) -> Result<(), Failure> {
    let used = context.config.embedding.model.as_deref();
    let mut recorded = record::installed(&context.home.models());
    let mut models: Vec<ModelView> = KNOWN
        .iter()
        .map(|known| {
            let record = recorded.remove(known.id);
            let installed = is_installed(&context.home.model(known.id), known.id);
            view_of_known(known, record, installed, used == Some(known.id))
        })
        .collect();
    models.extend(recorded.into_iter().map(|(id, record)| ModelView {
        installed: is_installed(&context.home.model(&id), &id),
        in_use: used == Some(&id),
        bytes: record.bytes(),
        dimensions: record.dimensions,
        license: None,
        purpose: None,
        was_run: None,
        from: Some(record.from),
        model: id,
    }));
    let view = ModelsView { models };
    if json { print_json(&view) } else { print(&view.models.iter().map(describe).collect::<String>()) }
}

fn view_of_known(known: &KnownModel, record: Option<ModelRecord>, installed: bool, in_use: bool) -> ModelView {
    ModelView {
        model: known.id.to_owned(),
        installed,
        in_use,
        bytes: record.as_ref().map_or(known.bytes, ModelRecord::bytes),
        dimensions: known.dimensions,
        license: Some(known.license),
        purpose: Some(known.purpose),
        was_run: Some(known.was_run),
        from: record.map(|record| record.from),
    }
}

fn describe(model: &ModelView) -> String {
    let note = match (model.installed, model.in_use) {
        (true, true) => "in use",
        (true, false) => "installed",
        (false, true) => "configured, but not installed: `ra-agent model install`",
        (false, false) => "not installed",
    };
    let mut about: Vec<&str> = [model.license, model.purpose].into_iter().flatten().collect();
    about.extend(model.from.as_deref().filter(|_| model.license.is_none()));
    if model.was_run == Some(false) {
        about.push("not run by us");
    }
    let dimensions = format!("{}d", model.dimensions);
    format!("{:<34} {:>9} {dimensions:>5}  {note}\n    {}\n", model.model, human_bytes(model.bytes), about.join("; "))
}
