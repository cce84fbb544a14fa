//! Markdown: sections by headings.

mod segments;

use super::{Class, Spec, comment};

pub static SPEC: Spec = Spec {
    extensions: &["md", "markdown", "mdx"],
    comments: Some(&comment::MARKUP),
    segments: |parsed| Some(segments::segments(parsed.text)),
    #[cfg(test)]
    sample: "intro\n\n# Guide\ntext\n\n## Limits\n```sh\n# no heading\n```\n",
    ..Spec::plain("markdown", Class::Prose)
};
