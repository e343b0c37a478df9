//! An interface that was written as Rust, as an `.idl` file.
//!
//! For people who began with a trait, and now have a client in another language or want the
//! interface in a document of its own. Both ways of writing say the same, so this is the description,
//! printed; what an `.idl` file cannot say, such as a type of somebody else's, is told when the text
//! is checked.

use std::collections::HashSet;

use crate::check::check;
use crate::diagnostic::{Diagnostic, Diagnostics, closest, codes};
use crate::front::rust::{lower_trait, lower_type};
use crate::history;
use crate::ir::{Availability, Const, Item, Look, Module, Name, Path, Type, TypeKind, Version};
use crate::lint::types_of;
use crate::print::print;
use crate::resolve::resolve;
use crate::source::Span;

/// What shall be exported.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The one trait to export, with the types it needs; all traits and types of the file if none is
    /// named.
    pub interface: Option<String>,
    /// The name of the module; that in the traits' full names if none is given.
    pub module: Option<String>,
    /// The version to go back to; as it is now if none is given.
    pub at: Option<Version>,
}

/// The `.idl` text of the interfaces in Rust source. The text may need types that are not in the
/// source: check it.
///
/// # Errors
///
/// Everything that the macros would say about the source, and if there is no trait to export.
pub fn export(source: &str, wanted: &Wanted) -> Result<String, Diagnostics> {
    let mut found = Diagnostics::new();
    let file = match syn::parse_file(source) {
        Ok(file) => file,
        Err(error) => {
            found.push(problem(codes::UNEXPECTED, format!("the file is not Rust: {error}")));
            return Err(found);
        }
    };
    let mut taken = Taken::default();
    taken.items(file.items, &mut found);
    if found.has_errors() {
        return Err(found);
    }
    let Taken { mut items, constants } = taken;
    if let Some(name) = &wanted.interface {
        keep(&mut items, name, &mut found);
    } else if !items.iter().any(|item| matches!(item, Item::Interface(_))) {
        found.push(problem(codes::UNKNOWN_TYPE, "no trait here has `#[alpc_interface]`"));
    }
    let module = wanted.module.clone().or_else(|| module_of(&items));
    let Some(module) = module else {
        found.push(
            problem(codes::MISSING_MODULE, "no interface here has a full name")
                .help("say which module it shall be, as in `--module acme.kv`"),
        );
        return Err(found);
    };
    if found.has_errors() {
        return Err(found);
    }
    let needed = constants.into_iter().filter(|constant| mentions(&items, &constant.name.text));
    let needed: Vec<_> = needed.map(Item::Const).collect();
    items.splice(0..0, needed);
    let segments = module.split('.').map(|name| Name::new(name, Span::call_site())).collect();
    let name = Path { segments };
    let mut module = Module { name, items, ..Module::default() };
    if let Some(at) = wanted.at {
        // Types that are left out are missing from the text, which says so when it is checked.
        drop(history::go_back(&mut module, at, &mut found));
    }
    resolve(&mut module, &mut found);
    found.append(check(&module));
    if found.has_errors() { Err(found) } else { Ok(print(&module)) }
}

fn problem(code: &'static str, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code, message, Span::call_site())
}

/// What a file declares that can be exported.
#[derive(Default)]
struct Taken {
    items: Vec<Item>,
    constants: Vec<Const>,
}

impl Taken {
    fn items(&mut self, items: Vec<syn::Item>, found: &mut Diagnostics) {
        for item in items {
            match item {
                syn::Item::Trait(item) => self.interface(item, found),
                syn::Item::Struct(ref it) if derives(&it.attrs) => self.ty(&item, found),
                syn::Item::Enum(ref it) if derives(&it.attrs) => self.ty(&item, found),
                syn::Item::Mod(module) => {
                    if let Some((_, items)) = module.content {
                        self.items(items, found);
                    }
                }
                syn::Item::Const(item) => self.constants.extend(constant(&item)),
                _ => {}
            }
        }
    }

    fn interface(&mut self, mut item: syn::ItemTrait, found: &mut Diagnostics) {
        let is_ours = |attribute: &syn::Attribute| last_is(attribute.path(), "alpc_interface");
        let Some(at) = item.attrs.iter().position(is_ours) else { return };
        let arguments = match item.attrs.remove(at).meta {
            syn::Meta::List(list) => list.tokens,
            _ => proc_macro2::TokenStream::new(),
        };
        self.items.push(Item::Interface(lower_trait(arguments, item, found).interface));
    }

    fn ty(&mut self, item: &syn::Item, found: &mut Diagnostics) {
        self.items.extend(lower_type(item, found).map(|lowered| lowered.item));
    }
}

fn last_is(path: &syn::Path, name: &str) -> bool {
    path.segments.last().is_some_and(|segment| segment.ident == name)
}

/// Is `Alpc` among the derived traits?
fn derives(attributes: &[syn::Attribute]) -> bool {
    let derive = attributes.iter().filter(|attribute| attribute.path().is_ident("derive"));
    derive.into_iter().any(|attribute| {
        let all = syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated;
        let all = attribute.parse_args_with(all);
        all.is_ok_and(|all| all.iter().any(|path| last_is(path, "Alpc")))
    })
}

/// A constant of a type and a value that `.idl` has words for.
fn constant(item: &syn::ItemConst) -> Option<Const> {
    let (ty, value) = crate::front::rust::constant(item)?;
    Some(Const {
        name: Name::new(item.ident.to_string(), Span::call_site()),
        docs: Vec::new(),
        availability: Availability::default(),
        look: Look::default(),
        ty,
        value,
    })
}

/// The module in the full name of the first interface that has one.
fn module_of(items: &[Item]) -> Option<String> {
    items.iter().find_map(|item| match item {
        Item::Interface(item) => {
            item.qualified.rsplit_once('.').map(|(module, _)| module.to_owned())
        }
        _ => None,
    })
}

/// Leaves one interface and what it needs.
fn keep(items: &mut Vec<Item>, interface: &str, found: &mut Diagnostics) {
    let is_it = |item: &Item| matches!(item, Item::Interface(item) if item.name.text == interface);
    if !items.iter().any(is_it) {
        let message = format!("no trait called `{interface}` has `#[alpc_interface]`");
        let told = problem(codes::UNKNOWN_TYPE, message);
        let names = items.iter().filter(|item| matches!(item, Item::Interface(_)));
        let names = names.map(|item| item.name().text.as_str());
        found.push(match closest(interface, names) {
            Some(close) => told.help(format!("did you mean `{close}`?")),
            None => told,
        });
        return;
    }
    let mut needed: HashSet<String> = HashSet::from([interface.to_owned()]);
    loop {
        let mut names = HashSet::new();
        for item in items.iter().filter(|item| needed.contains(&item.name().text)) {
            types_of(item).into_iter().for_each(|ty| names_in(ty, &mut names));
        }
        let before = needed.len();
        needed.extend(names);
        if needed.len() == before {
            break;
        }
    }
    items.retain(|item| needed.contains(&item.name().text));
}

fn names_in(ty: &Type, names: &mut HashSet<String>) {
    let path = match &ty.kind {
        TypeKind::Named(named) => Some(&named.rust),
        TypeKind::Object(object) => Some(&object.rust),
        _ => None,
    };
    if let Some(path) = path {
        let text = path.to_string().replace(' ', "");
        let last = text.rsplit("::").next().unwrap_or_default();
        names.insert(last.trim_start_matches("r#").to_owned());
    }
    ty.parts().into_iter().for_each(|part| names_in(part, names));
}

/// Whether a bound, length or default anywhere in `items` names this constant.
fn mentions(items: &[Item], constant: &str) -> bool {
    // Looking through the whole description would be one more place to change with it.
    let text = format!("{items:?}");
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == constant)
}
