//! `model install`, `model list`.

use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};

use super::output::{human_bytes, print, print_json};
use super::verbs::ModelAct;
use super::{Context, Failure};
use crate::config::set_embedding_model;
use crate::daemon::control::{self, ControlError, ControlReply, Request};
use crate::embedder::bert::Embedder;
use crate::embedder::install::{Progress, download, install_from, is_installed};
use crate::embedder::model::{DEFAULT, KNOWN, ModelSpec, spec};
use crate::embedder::table::StaticTable;
use crate::query::suggest;
use crate::query::view::models::{ModelView, ModelsView};

pub fn run(context: &Context, act: ModelAct) -> Result<(), Failure> {
    match act {
        ModelAct::Install { model, from, without_table } => {
            install(context, model.as_deref().unwrap_or(DEFAULT), from.as_deref(), !without_table)
        }
        ModelAct::List { json } => list(context, json),
    }
}

fn install(context: &Context, id: &str, from: Option<&Path>, with_table: bool) -> Result<(), Failure> {
    let known = || KNOWN.iter().map(|spec| spec.id).collect::<Vec<_>>().join(", ");
    let hint = || suggest::hint(id, KNOWN.iter().map(|spec| spec.id));
    let spec = spec(id)
        .ok_or_else(|| Failure::Usage(format!("the model {id} is unknown{}; known models: {}", hint(), known())))?;
    context.home.create()?;
    let dest = context.home.model(spec.id);
    if is_installed(&dest, spec) {
        print(&format!("{} is installed already\n", spec.id))?;
    } else {
        fetch(&dest, spec, from)?;
        print(&format!("installed {} in {}\n", spec.id, dest.display()))?;
    }
    if with_table && StaticTable::read(&dest).is_none() {
        distil(&dest, spec, context.config.embedding.threads)?;
    }
    // Written down, so that the choice does not change by itself.
    set_embedding_model(&context.home.config_file(), spec.id)?;
    match control::ask(&context.home, Request::Reload) {
        Ok(ControlReply::Failed { message }) => Err(Failure::Failed(message)),
        Ok(_) => Ok(()),
        Err(ControlError::NotRunning) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn fetch(dest: &Path, spec: &ModelSpec, from: Option<&Path>) -> Result<(), Failure> {
    let bar = ProgressBar::new(spec.bytes());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {msg}") {
        bar.set_style(style);
    }
    bar.set_message(spec.id);
    let progress = |progress: Progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    };
    let fetched = match from {
        Some(source) => install_from(dest, source, spec, progress),
        None => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::Failed(format!("cannot start the download: {error}")))?
            .block_on(download(dest, spec, progress)),
    };
    bar.finish_and_clear();
    fetched.map_err(Failure::from)
}

/// Makes the table for provisional vectors.
fn distil(dir: &Path, spec: &ModelSpec, threads: usize) -> Result<(), Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::Failed(format!("{error}; or: ra-agent model install --without-table"));
    let embedder = Embedder::load(dir, spec, threads).map_err(|error| failed(&error))?;
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
    let models = KNOWN.iter().map(|spec| ModelView {
        model: spec.id,
        installed: is_installed(&context.home.model(spec.id), spec),
        in_use: used == Some(spec.id),
        bytes: spec.bytes(),
        license: spec.license,
    });
    let view = ModelsView { models: models.collect() };
    if json { print_json(&view) } else { print(&view.models.iter().map(describe).collect::<String>()) }
}

fn describe(model: &ModelView) -> String {
    let note = match (model.installed, model.in_use) {
        (true, true) => "in use",
        (true, false) => "installed",
        (false, true) => "configured, but not installed: `ra-agent model install`",
        (false, false) => "not installed",
    };
    format!("{:<20} {:>10}  {note}\n", model.model, human_bytes(model.bytes))
}
