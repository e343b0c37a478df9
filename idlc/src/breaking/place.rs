//! Where in a file something is that is known by its dotted name.

use crate::ir::{Field, Interface, Item, Module, Name, Payload};
use crate::source::Span;

/// The place of what is called `path`, or of the nearest thing around it that is still there.
pub(super) fn of(module: &Module, path: &str) -> Span {
    let mut best: Option<(&Item, &str)> = None;
    for item in &module.items {
        let Some(name) = qualified(item) else { continue };
        let Some(rest) = path.strip_prefix(name) else { continue };
        if rest.is_empty() || rest.starts_with('.') {
            best = Some((item, rest.trim_start_matches('.')));
        }
    }
    match best {
        Some((item, rest)) => inside(item, rest).unwrap_or(item.name().span),
        None => module.name.segments.last().map_or_else(Span::call_site, |name| name.span),
    }
}

fn qualified(item: &Item) -> Option<&str> {
    match item {
        Item::Struct(item) => Some(&item.qualified),
        Item::Enum(item) => Some(&item.qualified),
        Item::Flags(item) => Some(&item.qualified),
        Item::Union(item) => Some(&item.qualified),
        Item::Interface(item) => Some(&item.qualified),
        Item::Const(_) | Item::Alias(_) => None,
    }
}

/// The place of a member, or of a member's member.
fn inside(item: &Item, path: &str) -> Option<Span> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    match item {
        Item::Struct(item) => field(&item.fields, first),
        Item::Enum(item) => find(item.members.iter().map(|member| &member.name), first),
        Item::Flags(item) => find(item.members.iter().map(|member| &member.name), first),
        Item::Union(item) => {
            let variant = item.variants.iter().find(|variant| variant.name.text == first)?;
            let fields: &[Field] = match &variant.payload {
                Payload::Unit => &[],
                Payload::Positional(fields) | Payload::Named(fields) => fields,
            };
            field(fields, rest).or(Some(variant.name.span))
        }
        Item::Interface(item) => member(item, first, rest),
        Item::Const(_) | Item::Alias(_) => None,
    }
}

fn field(fields: &[Field], name: &str) -> Option<Span> {
    find(fields.iter().map(|field| &field.name), name)
}

fn member(item: &Interface, name: &str, rest: &str) -> Option<Span> {
    let method = item.methods.iter().find(|method| method.name.text == name);
    if let Some(method) = method {
        let params = method.params.iter().map(|param| &param.name);
        let results = method.results.iter().filter_map(|result| result.name.as_ref());
        return find(params.chain(results), rest).or(Some(method.name.span));
    }
    let event = item.events.iter().find(|event| event.name.text == name)?;
    find(event.params.iter().map(|param| &param.name), rest).or(Some(event.name.span))
}

fn find<'n>(names: impl Iterator<Item = &'n Name>, name: &str) -> Option<Span> {
    let mut names = names;
    names.find(|candidate| candidate.text == name).map(|name| name.span)
}
