//! `shared status`, `push`, `pull`, `verify`, `gc`, `keygen`: results that machines share through an object store.

use std::fmt::Write;
use std::time::Duration;

use clap::Subcommand;

use super::cache::maintain;
use super::output::{human_bytes, print, print_json};
use super::values::duration;
use super::{Context, Failure};
use crate::query::Reader;
use crate::query::shared::{NOT_SHARED, shared_status};
use crate::query::view::shared::{CollectedIndexView, CollectedView, SharedView, SharingView, SurveyView};
use crate::shared::{PublicKey, RemoteResults, SharedError, SharedKey, SharedKeyError};
use crate::worker::maintenance::{Maintained, Maintenance};
use crate::worker::shared::{Sharing, SharingDone};

#[derive(Subcommand)]
pub enum SharedAct {
    /// Show how the shared store is, what came from it and what that saved
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give everything that was made here and is not on the store
    Push {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take everything that is lacking here and is on the store
    Pull {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Read everything that is on the store, and check each entry
    Verify {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Merge small packs, and remove what is there twice
    Gc {
        /// Remove nothing that is younger than this, e.g. 24h, 7d
        #[arg(long, default_value = "24h", value_parser = duration)]
        grace: Duration,
        /// Only print what would be done
        #[arg(long)]
        dry_run: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make the key of this machine, or print its public part. A reader's gets a key that signs
    Keygen {
        /// Print the key for a machine that only reads: the name secret alone
        #[arg(long)]
        reader: bool,
        /// Replace the key that signs. Names stay, so what is on the store stays in use
        #[arg(long, conflicts_with = "reader")]
        rotate: bool,
    },
}

pub fn run(context: &Context, act: &SharedAct) -> Result<(), Failure> {
    match act {
        SharedAct::Status { json } => status(context, *json),
        SharedAct::Push { json } => share(context, Sharing::Push, *json),
        SharedAct::Pull { json } => share(context, Sharing::Pull, *json),
        SharedAct::Verify { json } => verify(context, *json),
        SharedAct::Gc { grace, dry_run, json } => gc(context, *grace, *dry_run, *json),
        SharedAct::Keygen { reader: true, .. } => print(&load(context)?.for_reader().text()),
        SharedAct::Keygen { rotate, .. } => keygen(context, *rotate),
    }
}

impl From<SharedKeyError> for Failure {
    fn from(error: SharedKeyError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<SharedError> for Failure {
    fn from(error: SharedError) -> Self {
        Self::Failed(error.to_string())
    }
}

fn load(context: &Context) -> Result<SharedKey, Failure> {
    Ok(SharedKey::load(&context.home.shared_key())?)
}

fn keygen(context: &Context, rotate: bool) -> Result<(), Failure> {
    context.home.create()?;
    let path = context.home.shared_key();
    let found = match SharedKey::load(&path) {
        Err(SharedKeyError::Missing { .. }) if !rotate => None,
        found => Some(found?),
    };
    let before = found.as_ref().and_then(SharedKey::public);
    let key = match found {
        None => SharedKey::generate()?,
        Some(key) if before.is_some() && !rotate => key,
        // A reader's key gets one that signs; the names stay.
        Some(key) => key.rotated()?,
    };
    if key.public() != before {
        key.save(&path)?;
    }
    if let Some(before) = before.filter(|_| rotate) {
        print(&format!(
            "The key that signs is another one now. Add the old one to trusted_keys, here and wherever it is trusted, to use\nwhat it \
             has signed; leave it out if it was stolen:\n  {before}\n"
        ))?;
    }
    let public = key.public().map(|public| public.to_string()).unwrap_or_default();
    print(&format!(
        "{} names and signs what this machine shares; keep it to yourself. Its public key, for trusted_keys of other machines:\n  \
         {public}\n`ra-agent shared keygen --reader` prints what they need to read.\n",
        path.display()
    ))
}

/// Ends without a wait for what a directory that hangs has not answered.
pub(super) struct Unawaited(Option<tokio::runtime::Runtime>);

impl Drop for Unawaited {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// The store for a verb that asks it itself.
pub(super) fn open(context: &Context) -> Result<(RemoteResults, Unawaited), Failure> {
    let Some(config) = &context.config.shared else { return Err(Failure::Usage(NOT_SHARED.to_owned())) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Failed(format!("no thread can be started: {error}")))?;
    context.home.create()?;
    let handle = runtime.handle().clone();
    let running = Unawaited(Some(runtime));
    let mut remote = RemoteResults::open(&context.home, config, handle, true)?;
    remote.wake();
    remote.accept_empty();
    Ok((remote, running))
}

fn status(context: &Context, json: bool) -> Result<(), Failure> {
    let view = shared_status(&Reader::open(&context.home, &context.config)?)?;
    if json { print_json(&view) } else { print(&describe(&view)) }
}

/// The line of `status`; `None`: nothing is shared.
pub fn line(view: &SharedView) -> Option<String> {
    let url = view.url.as_ref()?;
    let mode = view.mode.unwrap_or_default();
    let saved = format!("{} answers taken, ${:.2} not spent", view.answers_taken, view.saved_usd);
    let trouble = match (&view.obstacle, &view.problem) {
        (Some(obstacle), _) => format!("\n          {obstacle}"),
        (None, Some(problem)) => format!("\n          it does not answer: {problem}{}", until(view)),
        (None, None) => String::new(),
    };
    Some(format!("{url} ({mode}): {saved}{trouble}"))
}

fn until(view: &SharedView) -> String {
    view.retry_at.as_ref().map_or_else(String::new, |then| format!("; it is tried again from {then} on"))
}

fn describe(view: &SharedView) -> String {
    let mut out = String::new();
    // Writing into a String cannot fail.
    let _ = write_status(&mut out, view);
    out
}

fn write_status(out: &mut String, view: &SharedView) -> std::fmt::Result {
    if let Some(why) = &view.why_empty {
        return writeln!(out, "{why}");
    }
    writeln!(out, "store     {} ({})", view.url.as_deref().unwrap_or_default(), view.mode.unwrap_or_default())?;
    if let Some(endpoint) = &view.endpoint {
        writeln!(out, "          at {endpoint}")?;
    }
    match &view.public_key {
        Some(key) => writeln!(out, "key       {key}")?,
        None => writeln!(out, "key       none that signs")?,
    }
    for trusted in &view.trusted_keys {
        writeln!(out, "trusts    {} {}", trusted.key, trusted.name)?;
    }
    if let Some(obstacle) = &view.obstacle {
        writeln!(out, "PROBLEM   {obstacle}")?;
    }
    match (&view.problem, &view.answered_at) {
        (Some(problem), _) => {
            let since = view.failing_since.as_deref().unwrap_or_default();
            writeln!(out, "state     it has not answered since {since}: {problem}{}", until(view))?;
        }
        (None, Some(then)) => writeln!(out, "state     it answered last at {then}")?,
        (None, None) => writeln!(out, "state     it was not asked yet")?,
    }
    let SharedView { packs, answers, vectors, analyses, .. } = view;
    writeln!(out, "known     {answers} answers, {vectors} vectors, {analyses} analyses in {packs} packs")?;
    let SharedView { answers_taken, analyses_taken, saved_usd, entries_taken, entries_given, rows_given, .. } = view;
    writeln!(
        out,
        "saved     ${saved_usd:.4}: {answers_taken} answers that others paid for; {analyses_taken} analyses in all"
    )?;
    writeln!(out, "entries   {entries_taken} taken, {entries_given} given")?;
    if *rows_given > 0 {
        writeln!(out, "index     {rows_given} rows given")?;
    }
    for (why, number) in &view.refused {
        writeln!(out, "refused   {number} ({why})")?;
    }
    let requests = &view.requests;
    writeln!(
        out,
        "requests  {} lists, {} reads ({}), {} writes ({})",
        requests.lists,
        requests.gets,
        human_bytes(requests.bytes_in),
        requests.puts,
        human_bytes(requests.bytes_out)
    )
}

fn share(context: &Context, sharing: Sharing, json: bool) -> Result<(), Failure> {
    let Some(config) = &context.config.shared else { return Err(Failure::Usage(NOT_SHARED.to_owned())) };
    if sharing == Sharing::Push && !config.may_write {
        return Err(SharedError::ReadOnly.into());
    }
    let done = match maintain(context, Maintenance::Share { sharing })? {
        Maintained::Shared(done) => done,
        other => return Err(Failure::Failed(format!("unexpected reply of the daemon: {other:?}"))),
    };
    let SharingDone { given, rows, taken, kept_back, problem } = done;
    let view = SharingView { given, rows, taken, kept_back, problem };
    if json {
        print_json(&view)?;
    } else {
        print(&describe_sharing(&view, sharing))?;
    }
    view.problem.map_or(Ok(()), |problem| Err(Failure::Failed(problem)))
}

fn describe_sharing(view: &SharingView, sharing: Sharing) -> String {
    match sharing {
        Sharing::Push if view.kept_back > 0 => {
            format!("{} given; {} stay here, for a secret was found in them\n", given(view), view.kept_back)
        }
        Sharing::Push => format!("{} given\n", given(view)),
        Sharing::Pull => format!("{} entries taken; vectors follow as files are embedded\n", view.taken),
    }
}

fn given(view: &SharingView) -> String {
    match view.rows {
        0 => format!("{} entries", view.given),
        rows => format!("{} entries and {rows} rows of the index", view.given),
    }
}

fn verify(context: &Context, json: bool) -> Result<(), Failure> {
    let (mut remote, _running) = open(context)?;
    let mut survey = remote.survey()?;
    let rows = remote.survey_index()?;
    rows.refused.iter().for_each(|(why, number)| *survey.refused.entry(why).or_default() += number);
    rows.signers.iter().for_each(|(key, number)| *survey.signers.entry(*key).or_default() += number);
    let label = |key: &PublicKey| {
        let config = context.config.shared.as_ref();
        let named = config.and_then(|config| config.trusted_keys.iter().find(|one| one.key == key.0));
        named.map_or_else(|| key.to_string(), |one| format!("{key} {}", one.label))
    };
    let view = SurveyView {
        packs: survey.packs,
        bytes: survey.bytes,
        entries: survey.entries,
        refused: survey.refused,
        damaged: survey.damaged,
        signers: survey.signers.iter().map(|(key, number)| (label(key), *number)).collect(),
        rows: rows.rows,
    };
    if json {
        print_json(&view)?;
    } else {
        print(&describe_survey(&view))?;
    }
    match view.refused.values().sum::<usize>() + view.damaged.len() {
        0 => Ok(()),
        bad => Err(Failure::Refused(format!(
            "{bad} entries, rows or packs are not used here; those of a machine that is to be trusted belong in trusted_keys, and the rest \
             is made again where it is needed"
        ))),
    }
}

fn describe_survey(view: &SurveyView) -> String {
    let mut out = format!("{} entries in {} packs, {}\n", view.entries, view.packs, human_bytes(view.bytes));
    // Writing into a String cannot fail.
    if view.rows > 0 {
        let _ = writeln!(out, "{} rows in the index", view.rows);
    }
    for (key, number) in &view.signers {
        let _ = writeln!(out, "signed    {number} by {key}");
    }
    for (why, number) in &view.refused {
        let _ = writeln!(out, "refused   {number} ({why})");
    }
    for pack in &view.damaged {
        let _ = writeln!(out, "damaged   {pack}");
    }
    out
}

fn gc(context: &Context, grace: Duration, dry_run: bool, json: bool) -> Result<(), Failure> {
    let (mut remote, _running) = open(context)?;
    let done = remote.collect_garbage(grace, dry_run)?;
    let index = remote.maintain_index(grace, dry_run)?;
    let view = CollectedView {
        dry_run,
        packs: done.packs,
        deleted: done.deleted,
        bytes_freed: done.bytes_freed,
        merged: done.merged,
        index: CollectedIndexView {
            tables: index.tables,
            rows: index.rows,
            fragments_merged: index.fragments_merged,
            versions_removed: index.versions_removed,
            bytes_freed: index.bytes_removed,
            indexes_built: index.indexes_built,
        },
    };
    if json {
        return print_json(&view);
    }
    let would = if dry_run { "would be " } else { "" };
    print(&format!(
        "{} packs; {} {would}removed ({}), {} small ones {would}merged; these go at a run after the grace period\n",
        view.packs,
        view.deleted,
        human_bytes(view.bytes_freed),
        view.merged
    ))?;
    match view.index {
        CollectedIndexView { tables: 0, .. } => Ok(()),
        CollectedIndexView { rows, .. } if dry_run => print(&format!("index: {rows} rows, which are left alone\n")),
        CollectedIndexView { rows, fragments_merged, versions_removed, bytes_freed, .. } => print(&format!(
            "index: {rows} rows; {fragments_merged} fragments merged, {versions_removed} old versions removed ({})\n",
            human_bytes(bytes_freed)
        )),
    }
}
