//! Project files (.csproj): which projects one refers to, who may see its inside, and the namespaces that its files use without saying so.

use super::project::{FRIEND, GIVEN, NAMED, REFERENCE};
use crate::language::eval::facts::{Export, Exported, FactScope, FactScopeKind, Facts, ImportFact, ImportWhat, TextId};
use crate::language::{Outline, ParseError, Parsed, Symbol, SymbolKind, Visibility};

/// The manifest has a line for all that the project decides; the namespaces are imports that are handed on.
pub(super) fn outline(parsed: &Parsed<'_>) -> (Outline, Vec<ParseError>) {
    let text = without_comments(parsed.text);
    let mut manifest = "project\n".to_owned();
    for path in included(&text, "ProjectReference") {
        manifest.push_str(&format!("{REFERENCE}{}\n", path.replace('\\', "/")));
    }
    for friend in included(&text, "InternalsVisibleTo") {
        manifest.push_str(&format!("{FRIEND}{friend}\n"));
    }
    for name in contents(&text, "AssemblyName") {
        manifest.push_str(&format!("{NAMED}{name}\n"));
    }
    let usings = usings(&text);
    for (name, is_static) in &usings {
        manifest.push_str(&format!("{GIVEN}{name} {is_static}\n"));
    }
    let symbol = Symbol {
        name: "project".to_owned(),
        kind: SymbolKind::Module,
        visibility: Visibility::Public,
        signature: manifest.clone(),
        start_line: 1,
        end_line: 1,
        doc: false,
    };
    let facts = Facts { manifest: Some(manifest), ..handing_on(&usings) };
    (Outline { symbols: vec![symbol], facts: Some(Box::new(facts)), ..Outline::default() }, Vec::new())
}

/// Facts that hand on namespaces, or the members of types.
fn handing_on(usings: &[(String, bool)]) -> Facts {
    let mut facts = Facts { texts: vec![String::new()], ..Facts::default() };
    facts.scopes.push(FactScope { parent: None, kind: FactScopeKind::Module, owner: None });
    for (name, is_static) in usings {
        for part in name.split('.') {
            facts.texts.push(part.to_owned());
        }
        let specifier = facts.texts.len() as TextId;
        facts.texts.push(name.clone());
        let of = Exported::From(facts.imports.len() as u32);
        facts.exports.push(Export { name: 0, of, is_type_only: false, symbol: None, line: 1 });
        facts.imports.push(ImportFact {
            scope: 0,
            specifier,
            what: ImportWhat::All,
            binding: None,
            is_type_only: !is_static,
            line: 1,
        });
    }
    facts
}

/// `<Using Include="N" />`, with whether it is static. What has an alias is left out.
fn usings(text: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    for tag in tags(text, "Using").filter(|tag| attribute(tag, "Alias").is_none()) {
        let is_static = attribute(tag, "Static").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        found.extend(attribute(tag, "Include").map(|name| (name.to_owned(), is_static)));
    }
    found
}

/// The values of `Include` of every element of a name, which may list several.
fn included<'t>(text: &'t str, element: &'t str) -> impl Iterator<Item = &'t str> {
    let lists = tags(text, element).filter_map(|tag| attribute(tag, "Include"));
    lists.flat_map(|list| list.split(';')).map(str::trim).filter(|value| !value.is_empty())
}

/// The opening tags of a name, without the name.
fn tags<'t>(text: &'t str, element: &'t str) -> impl Iterator<Item = &'t str> {
    text.split('<').skip(1).filter_map(move |tag| {
        let inside = tag.strip_prefix(element).filter(|rest| rest.starts_with(char::is_whitespace))?;
        inside.split('>').next()
    })
}

fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let mut rest = tag;
    loop {
        let (before, behind) = rest.split_once(name)?;
        let value = behind.trim_start().strip_prefix('=').map(str::trim_start);
        let quoted = value.and_then(|value| {
            let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            value.get(1..)?.split(quote).next()
        });
        if before.ends_with(char::is_whitespace) && quoted.is_some() {
            return quoted.map(str::trim).filter(|value| !value.is_empty());
        }
        rest = behind;
    }
}

/// What stands in elements of a name.
fn contents<'t>(text: &'t str, element: &str) -> Vec<&'t str> {
    let open = format!("<{element}>");
    let parts = text.split(open.as_str()).skip(1).filter_map(|rest| rest.split('<').next());
    parts.map(str::trim).filter(|value| !value.is_empty()).collect()
}

fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once("<!--") {
        plain.push_str(before);
        rest = inside.split_once("-->").map_or("", |(_, behind)| behind);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Language;

    #[test]
    fn references_friends_names_and_usings_are_read() {
        let text = "<Project>\n <!-- <ProjectReference Include=\"no\" /> -->\n <PropertyGroup><AssemblyName>Shop.Core</AssemblyName></PropertyGroup>\n <ItemGroup>\n  <ProjectReference Condition=\"'$(X)' == ''\" Include=\"..\\a\\a.csproj;../b/b.csproj\">\n  </ProjectReference>\n  <InternalsVisibleTo Include='Shop.Tests' />\n  <Using Include=\"N.M\" />\n  <Using Include=\"N.A\" Static=\"True\" />\n  <Using Include=\"N.B\" Alias=\"X\" />\n  <Using Remove=\"System\" />\n </ItemGroup>\n</Project>\n";
        let parsed = Parsed::new(Language::parse("csharp-project").unwrap(), text);
        let facts = outline(&parsed).0.facts.unwrap();
        let manifest = facts.manifest.as_deref().unwrap();
        assert_eq!(
            manifest,
            "project\nreference ../a/a.csproj\nreference ../b/b.csproj\nfriend Shop.Tests\nnamed Shop.Core\ngiven N.M false\ngiven N.A true\n"
        );
        let usings: Vec<(&str, bool)> =
            facts.imports.iter().map(|import| (facts.text(import.specifier), import.is_type_only)).collect();
        assert_eq!(usings, [("N.M", true), ("N.A", false)]);
        assert_eq!(facts.exports.len(), 2);
    }
}
