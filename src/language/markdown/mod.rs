//! Markdown: sections by headings.

mod headings;
mod segments;

use super::{Prose, Spec, TextClass, comment};

pub use headings::Heading;

pub static SPEC: Spec = Spec {
    extensions: &["md", "markdown", "mdx"],
    comments: Some(&comment::MARKUP),
    prose: Some(prose),
    segments: |parsed| Some(segments::segments(parsed.text)),
    #[cfg(test)]
    sample: "intro\n\n# Guide\ntext\n\n## Limits\n```sh\n# no heading\n```\n",
    ..Spec::plain("markdown", TextClass::Prose)
};

fn prose(text: &str) -> Prose {
    let headings = headings::headings(text);
    let summary = headings::summary(text, &headings);
    Prose { headings, summary }
}
