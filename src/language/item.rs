//! What the local analyses see of a file, whatever its language: its items and functions with their measures, as neutral values.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Visibility;
use super::comment::Comment;
use super::lines::LineKind;
use super::smell::Smell;

/// A parsed file.
pub struct ParsedCode<'t> {
    /// In the order of the file, nested ones after the item around them.
    pub items: Vec<CodeItem>,
    /// Functions with a body.
    pub functions: Vec<Function>,
    pub comments: Vec<Comment<'t>>,
    pub lines: Vec<LineKind>,
    /// Documentation of the file as a module, with its line.
    pub documentation: Option<(u32, String)>,
    /// Names of others that the file hands on to its users.
    pub re_exports: u32,
    pub members: MemberCounts,
    /// In addition to those of a function as a whole.
    pub smells: Vec<Smell>,
    /// Smells that nothing looks for in this language, and why: the file's lines are judged instead.
    pub unjudged: Option<&'static str>,
    /// What was not read.
    pub not_covered: Vec<String>,
}

/// One item.
#[derive(Clone, Debug)]
pub struct CodeItem {
    /// `fn`, `struct`, `class` as a reader would say it.
    pub kind: &'static str,
    /// Name within the file, e.g. `Config::load`, inline modules included.
    pub name: String,
    pub visibility: Visibility,
    pub is_test: bool,
    /// It is what another declaration asks for: neither its signature nor its documentation are the author's choice.
    pub is_dictated: bool,
    /// Documentation made of the file lists it under its name.
    pub is_listed: bool,
    /// It counts to the public surface under its kind.
    pub is_surface: bool,
    /// From its first comment or attribute to its end.
    pub bytes: Range<usize>,
    pub start_line: u32,
    pub end_line: u32,
    /// Of listed items.
    pub documentation: Option<String>,
    /// Sections that the documentation of a listed item should have.
    pub missing_sections: Vec<String>,
}

/// A function with a body, measured.
#[derive(Clone, Debug)]
pub struct Function {
    pub name: String,
    pub start_line: u32,
    pub end_line: u32,
    pub code_lines: u32,
    pub parameters: u32,
    /// Parameters that are true or false.
    pub flags: u32,
    pub complexity: Complexity,
    /// Halstead's volume, in bits.
    pub volume: f64,
    /// Compiled for tests alone, or part of a file whose role is not the product.
    pub is_test: bool,
    pub is_dictated: bool,
}

/// The measures of one function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Complexity {
    pub cyclomatic: u32,
    pub cognitive: u32,
    /// Deepest nesting of control flow; a function without any has 0.
    pub nesting: u32,
    /// First row (from 0) at the deepest nesting.
    pub deepest_row: u32,
}

/// Public fields and variants, which are counted and not listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberCounts {
    pub total: u32,
    pub documented: u32,
}
