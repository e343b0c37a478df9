//! What annotated Rust has no words for.

use idlc::ir::{
    Direction, Enum, Field, Interface, Item, Method, Name, Param, Payload, Type, TypeKind,
};

/// Why an item cannot be written as Rust, if it cannot.
pub(crate) fn why_not(item: &Item) -> Option<&'static str> {
    let name = item.name();
    if item.availability().is_removed() {
        return Some("what is removed as a whole is deleted in Rust");
    }
    if BUILT_IN.contains(&name.text.as_str()) {
        return Some("the macros know types by their names, and this is the name of another one");
    }
    if is_renamed(name) {
        return Some(RENAMED);
    }
    match item {
        Item::Const(_) | Item::Alias(_) => Some("constants and names of types are Rust's own"),
        Item::Struct(item) => item.fields.iter().find_map(field),
        Item::Enum(item) => enumeration(item),
        Item::Flags(item) => item.members.iter().find_map(|member| renamed(&member.name)),
        Item::Union(item) => item.variants.iter().find_map(|variant| {
            let fields = variant.payload.fields();
            let is_positional = matches!(variant.payload, Payload::Positional(_));
            let names = fields.iter().filter(|_| !is_positional);
            renamed(&variant.name)
                .or_else(|| names.clone().find_map(|field| renamed(&field.name)))
                .or_else(|| fields.iter().find_map(|field| ty(&field.ty)))
        }),
        Item::Interface(item) => interface(item),
    }
}

const RENAMED: &str = "a name that Rust does not take, or that is another one in Rust";

/// Names that the macros take for what is called so in Rust.
const BUILT_IN: [&str; 22] = [
    "String",
    "Vec",
    "Option",
    "Result",
    "Box",
    "Arc",
    "Call",
    "View",
    "Blob",
    "Duration",
    "Uuid",
    "PathBuf",
    "SystemTime",
    "OwnedFd",
    "BTreeMap",
    "HashMap",
    "OutBuf",
    "InOutBuf",
    "File",
    "RawFd",
    "BorrowedFd",
    "Self",
];

fn is_renamed(name: &Name) -> bool {
    name.ident().to_string().trim_start_matches("r#") != name.text
}

fn renamed(name: &Name) -> Option<&'static str> {
    is_renamed(name).then_some(RENAMED)
}

fn field(item: &Field) -> Option<&'static str> {
    renamed(&item.name).or_else(|| ty(&item.ty))
}

fn enumeration(item: &Enum) -> Option<&'static str> {
    if item.growth.is_closed() && item.base.value != idlc::ir::IntKind::U32 {
        return Some("the base of a final enum, which is never sent, has no place in Rust");
    }
    item.members.iter().find_map(|member| renamed(&member.name))
}

fn interface(item: &Interface) -> Option<&'static str> {
    let events = item.events.iter().flat_map(|event| &event.params);
    item.methods.iter().find_map(method).or_else(|| {
        let names = item.events.iter().find_map(|event| renamed(&event.name));
        names.or_else(|| { events }.find_map(param))
    })
}

fn method(item: &Method) -> Option<&'static str> {
    let results = item.results.iter().find_map(|result| {
        let name = result.name.as_ref().and_then(renamed);
        name.or_else(|| ty_of(&result.ty, result.raw.is_some()))
    });
    renamed(&item.name).or_else(|| item.params.iter().find_map(param)).or(results)
}

fn param(item: &Param) -> Option<&'static str> {
    let is_bytes = |ty: &Type| matches!(&ty.kind, TypeKind::List(item, _) if is_byte(item));
    if item.direction != Direction::In && is_bytes(&item.ty) {
        return Some("a buffer of `u8` is a buffer of bytes in Rust");
    }
    renamed(&item.name).or_else(|| ty_of(&item.ty, item.raw.is_some()))
}

fn is_byte(ty: &Type) -> bool {
    matches!(ty.kind, TypeKind::Int(idlc::ir::IntKind::U8, _))
}

fn ty_of(item: &Type, is_raw: bool) -> Option<&'static str> {
    if is_raw { None } else { ty(item) }
}

fn ty(item: &Type) -> Option<&'static str> {
    match &item.kind {
        TypeKind::List(of, _) if is_byte(of) => Some("a list of `u8` is `bytes` in Rust"),
        TypeKind::Tuple(items) if items.iter().any(has_handle) => {
            Some("kinds of handles in a tuple or result have no word in Rust")
        }
        TypeKind::Result(one, other) if has_handle(one) || has_handle(other) => {
            Some("kinds of handles in a tuple or result have no word in Rust")
        }
        TypeKind::Named(named) => {
            let name = named.rust.to_string();
            let last = name.rsplit([':', ' ']).next().unwrap_or_default();
            let taken = BUILT_IN.contains(&last);
            taken.then_some(
                "the macros know types by their names, and this is the name of another one",
            )
        }
        _ => item.parts().into_iter().find_map(ty),
    }
}

fn has_handle(ty: &Type) -> bool {
    matches!(ty.kind, TypeKind::Handle(..)) || ty.parts().into_iter().any(has_handle)
}

/// The item without what Rust has no place for, and which only people read.
pub(super) fn without_what_is_lost(item: &Item) -> Item {
    let mut item = item.clone();
    if let Item::Interface(item) = &mut item {
        // Rust's traits have constants, and ours have not: a constant stands beside its trait.
        item.consts.clear();
        for method in &mut item.methods {
            // Rust refuses `#[deprecated]` there.
            method.params.iter_mut().for_each(|param| param.availability.deprecated = None);
            for result in &mut method.results {
                result.availability.deprecated = None;
                result.docs.clear();
            }
        }
        for event in &mut item.events {
            event.params.iter_mut().for_each(|param| param.availability.deprecated = None);
        }
    }
    item
}
