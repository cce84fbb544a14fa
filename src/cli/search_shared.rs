//! search --shared: the index that a team has on its store, from a machine that may not have the repositories.

use std::fmt::Write;

use super::output::{item, print, print_json};
use super::shared::open;
use super::{Context, Failure};
use crate::domain::FilePath;
use crate::embedder::chosen;
use crate::query::search::check_query;
use crate::query::shared::NOT_SHARED;
use crate::query::view::for_terminal;
use crate::query::view::shared::{SharedHit, SharedSearchView};
use crate::shared::index::{FoundItem, IndexAnswer};
use crate::worker::SharedModel;

pub fn search(context: &Context, query: &[String], limit: usize, json: bool) -> Result<(), Failure> {
    let query = query.join(" ");
    check_query(&query).map_err(|error| Failure::Usage(error.to_string()))?;
    if context.config.shared.is_none() {
        return Err(Failure::Usage(NOT_SHARED.to_owned()));
    }
    let (mut remote, _running) = open(context)?;
    let asked = embedded(context, &query)?;
    let answer = remote.search_index(&asked.model_id, &asked.vector, limit)?;
    let view = SharedSearchView {
        query,
        why_empty: answer.found.is_empty().then(|| why_empty(&answer, &asked.model_id)),
        model: asked.model_id,
        refused: answer.refused,
        hits: answer.found.into_iter().map(hit).collect(),
    };
    if json { print_json(&view) } else { print(&describe(&view)) }
}

struct EmbeddedQuery {
    model_id: String,
    vector: Vec<f32>,
}

/// The question's vector, by this machine's model.
fn embedded(context: &Context, query: &str) -> Result<EmbeddedQuery, Failure> {
    if chosen::is_remote(&context.config.embedding) {
        return Err(Failure::Failed(
            "the shared index is searched without the worker, which keeps the ledger, and the embedding server may cost something; \
             set embedding.model to an installed model that the index was made with"
                .to_owned(),
        ));
    }
    let questions = SharedModel::new(&context.home, &context.config).questions().map_err(Failure::Failed)?;
    let asked = questions.asked(query).map_err(Failure::Failed)?;
    // The first is of the model itself; another is for provisional vectors, which are not given.
    let own = asked.into_iter().next().ok_or_else(|| Failure::Failed("the model gave no vector".to_owned()))?;
    Ok(EmbeddedQuery { model_id: own.model_id, vector: own.vector.to_vec() })
}

fn why_empty(answer: &IndexAnswer, model_id: &str) -> String {
    if answer.is_there {
        return match answer.refused.is_empty() {
            true => "the shared index has no rows".to_owned(),
            false => {
                "no row near the question is signed by a key that is trusted here; trusted_keys names them".to_owned()
            }
        };
    }
    match answer.other_tables {
        0 => "there is no shared index yet; `[shared] index = true` on a machine that writes makes one \
              (`ra-agent help team`)"
            .to_owned(),
        _ => format!(
            "the shared index is of another embedding model, or under another name secret; this machine's model is {model_id}"
        ),
    }
}

fn hit(found: FoundItem) -> SharedHit {
    let (path, path_bytes) = FilePath::from_escaped(&found.item.path).for_json();
    SharedHit {
        repo: found.item.repo,
        path,
        path_bytes,
        start_line: found.item.start_line,
        end_line: found.item.end_line,
        entity_type: found.item.entity_type,
        entity_name: found.item.entity_name,
        score: f64::from(found.score),
        also_in: found.also_in,
    }
}

fn describe(view: &SharedSearchView) -> String {
    let mut out = String::new();
    // Writing into a String cannot fail.
    for (why, number) in &view.refused {
        let _ =
            writeln!(out, "left out: {number} rows that are not used ({why}); `ra-agent shared verify` reads them all");
    }
    if let Some(why) = &view.why_empty {
        let _ = writeln!(out, "nothing was found: {why}");
    }
    for hit in &view.hits {
        let SharedHit { repo, path, start_line, end_line, score, .. } = hit;
        let at = for_terminal(&format!("{repo}/{path}"));
        let item = item(&hit.entity_type, &for_terminal(&hit.entity_name));
        let _ = writeln!(out, "{at}:{start_line}-{end_line}  {item}  {score:.3}");
        if !hit.also_in.is_empty() {
            let _ = writeln!(out, "      also in {}", for_terminal(&hit.also_in.join(", ")));
        }
    }
    out
}
