//! What all screens have around them, and the parts that several have.

use maud::{DOCTYPE, Markup, html};

use super::chart::ShareBar;
use super::finding::FindingRow;
use super::text::spelt;

/// A screen, filled.
pub(super) trait Screen {
    fn frame(&self) -> &PageFrame;

    /// What it shows below its trail.
    fn content(&self) -> Markup;
}

/// The page of a screen.
pub(super) fn whole(screen: &impl Screen) -> String {
    let frame = screen.frame();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (frame.title) " – ra-agent" }
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/page.css";
                script src="/page.js" defer {}
                @if frame.is_pending { noscript { meta http-equiv="refresh" content="2"; } }
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                (header(frame))
                main id="main" tabindex="-1" data-pending[frame.is_pending] {
                    @if !frame.trail.is_empty() {
                        nav.trail aria-label="Where this is" {
                            ol { @for crumb in &frame.trail { li { a href=(crumb.href) { (crumb.name) } } } }
                        }
                    }
                    (screen.content())
                }
                footer {
                    p {
                        "Everything here is read on this machine, and nothing is written. "
                        kbd { "/" } " searches, " kbd { "j" } " and " kbd { "k" } " move, " kbd { "g" } " then "
                        kbd { "r" } " " kbd { "s" } " " kbd { "q" } " " kbd { "m" } " go to a screen."
                    }
                }
            }
        }
    };
    spelt(&page.into_string())
}

fn header(frame: &PageFrame) -> Markup {
    let screens = [
        (ScreenName::Repositories, "/", "r", "Repositories"),
        (ScreenName::Search, "/search", "s", "Search"),
        (ScreenName::Queue, "/queue", "q", "Queue"),
        (ScreenName::Money, "/money", "m", "Money"),
    ];
    html! {
        header.top {
            div.bar {
                a.brand href="/" { img src="/icon.svg" alt="" width="22" height="22"; "ra-agent" }
                nav aria-label="Screens" {
                    @for (place, href, key, name) in screens {
                        a href=(href) data-key=(key) aria-current=[(place == frame.place).then_some("page")] { (name) }
                    }
                }
                span.live id="live" role="status" { "as loaded" }
            }
        }
    }
}

/// What several screens list.
pub(super) fn findings(list: &[FindingRow], class: &str) -> Markup {
    html! {
        @if !list.is_empty() {
            ul.{ "findings " (class) } { @for one in list { (finding(one)) } }
        }
    }
}

fn finding(one: &FindingRow) -> Markup {
    html! {
        li.finding data-row {
            span.{ "badge " (one.severity) } { (one.severity) }
            div.finding-body {
                p { @if !one.item.is_empty() { code { (one.item) } " " } bdi { (one.message) } }
                p.where {
                    a.go href=(one.href) { bdi { (one.path) } ":" (one.line) } " "
                    span { (one.kind) }
                    @if !one.remark.is_empty() { " " span { bdi { (one.remark) } } }
                }
            }
        }
    }
}

/// A bar of shares.
pub(super) fn share(bar: &ShareBar) -> Markup {
    html! {
        svg.share viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label=(bar.summary) {
            rect.share-rest x="0" y="0" width="100" height="6" {}
            @for part in &bar.parts {
                rect.(part.class) x=(part.x) y="0" width=(part.width) height="6" { title { (part.title) } }
            }
        }
    }
}

/// Filters of a list.
pub(super) fn filters(list: &[FilterLink], label: &str) -> Markup {
    html! {
        nav.filters aria-label=(label) {
            @for one in list { a href=(one.href) aria-current=[one.is_chosen.then_some("true")] { bdi { (one.name) } } }
        }
    }
}

/// The parts of a long list.
pub(super) fn pager(pager: &Pager) -> Markup {
    let end = |href: &Option<String>, rel: &str, name: &str| {
        html! { @if let Some(href) = href { a rel=(rel) href=(href) { (name) } } @else { span.off { (name) } } }
    };
    html! {
        @if pager.previous.is_some() || pager.next.is_some() {
            nav.pager aria-label="Parts of the list" {
                (end(&pager.previous, "prev", "Previous"))
                span { (pager.range) }
                (end(&pager.next, "next", "Next"))
            }
        }
    }
}

/// A title with a number.
pub(super) fn counted(id: &str, title: &str, number: usize) -> Markup {
    html! { h2 id=(id) { (title) " " span.number { (number) } } }
}

/// A filter of a list.
#[derive(Clone, Debug)]
pub(super) struct FilterLink {
    pub name: String,
    pub href: String,
    pub is_chosen: bool,
}

/// Which screen it is, for the list of screens at the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScreenName {
    Repositories,
    Search,
    Queue,
    Money,
    /// Below a repository, or nowhere.
    Elsewhere,
}

/// The title, the way here, and whether more is to come.
#[derive(Clone, Debug)]
pub(super) struct PageFrame {
    pub title: String,
    pub place: ScreenName,
    /// Screens above this one, each with its address.
    pub trail: Vec<Crumb>,
    /// A part of the screen is still worked out: a browser without script asks again by itself.
    pub is_pending: bool,
}

/// A screen on the way to another one.
#[derive(Clone, Debug)]
pub(super) struct Crumb {
    pub name: String,
    pub href: String,
}

impl PageFrame {
    pub fn new(title: impl Into<String>, place: ScreenName) -> Self {
        Self { title: title.into(), place, trail: Vec::new(), is_pending: false }
    }

    /// Adds a screen on the way.
    pub fn below(mut self, name: impl Into<String>, href: impl Into<String>) -> Self {
        self.trail.push(Crumb { name: name.into(), href: href.into() });
        self
    }

    pub fn pending(mut self, is_pending: bool) -> Self {
        self.is_pending = is_pending;
        self
    }
}

/// A screen that cannot be shown.
pub(super) struct FailedPage {
    pub frame: PageFrame,
    pub why: String,
}

impl Screen for FailedPage {
    fn frame(&self) -> &PageFrame {
        &self.frame
    }

    fn content(&self) -> Markup {
        html! { h1 { (self.frame.title) } p.panel.note { bdi { (self.why) } } }
    }
}

/// Links to the parts of a long list.
#[derive(Clone, Debug)]
pub(super) struct Pager {
    /// `1–100 of 2 345`
    pub range: String,
    pub previous: Option<String>,
    pub next: Option<String>,
}

impl Pager {
    /// `page` counts from 0; `href` makes the address of a page.
    pub fn new(page: usize, size: usize, shown: usize, total: Option<usize>, href: impl Fn(usize) -> String) -> Self {
        let first = page * size + 1;
        let last = page * size + shown;
        let of = total.map(|total| format!(" of {}", super::text::grouped(total as u64))).unwrap_or_default();
        let range = if shown == 0 { String::new() } else { format!("{first}–{last}{of}") };
        let has_next = total.map_or(shown == size, |total| last < total);
        Self { range, previous: page.checked_sub(1).map(&href), next: has_next.then(|| href(page + 1)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pager_leads_to_what_there_is() {
        let pager = |page, shown, total| {
            let pager = Pager::new(page, 10, shown, total, |page| page.to_string());
            (pager.range, pager.previous, pager.next)
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(pager(0, 10, Some(10)), ("1–10 of 10".to_owned(), None, None));
        assert_eq!(pager(0, 10, Some(25)), ("1–10 of 25".to_owned(), None, text("1")));
        assert_eq!(pager(2, 5, Some(25)), ("21–25 of 25".to_owned(), text("1"), None));
        assert_eq!(pager(0, 10, None), ("1–10".to_owned(), None, text("1")));
        assert_eq!(pager(1, 3, None), ("11–13".to_owned(), text("0"), None));
        assert_eq!(pager(0, 0, None), (String::new(), None, None));
    }
}
