//! The writer: a description as annotated Rust.

use super::types::{base, duration, expr, of_type, said, ty, uuid};
use idlc::ir::{
    At, Availability, Context, Direction, Enum, Event, Field, Flags, Growth, Handler, Interface,
    Item, Member, Method, Name, Output, Param, Passing, Payload, Reserved, Struct, Type, TypeKind,
    Union, UnionUse, Variant,
};

pub(super) fn item(item: &Item) -> String {
    match item {
        Item::Struct(item) => structure(item),
        Item::Enum(item) => enumeration(item),
        Item::Flags(item) => flags(item),
        Item::Union(item) => union(item),
        Item::Interface(item) => interface(item),
        Item::Const(_) | Item::Alias(_) => unreachable!("has no place in Rust"),
    }
}

fn docs(docs: &[String]) -> String {
    docs.iter()
        .fold(String::new(), |all, line| all + &format!("#[doc = {:?}]\n", format!(" {line}")))
}

fn rust(name: &Name) -> String {
    name.ident().to_string()
}

fn deprecated(availability: &Availability) -> String {
    let Some(deprecation) = &availability.deprecated else { return String::new() };
    let since = deprecation.since.map(|since| format!("since = \"{}\"", since.value));
    let note = deprecation.note.as_ref().map(|note| format!("note = {note:?}"));
    let all: Vec<String> = since.into_iter().chain(note).collect();
    match all.is_empty() {
        true => "#[deprecated]\n".to_owned(),
        false => format!("#[deprecated({})]\n", all.join(", ")),
    }
}

fn alpc(arguments: &[String]) -> String {
    match arguments.is_empty() {
        true => String::new(),
        false => format!("#[alpc({})]\n", arguments.join(", ")),
    }
}

/// `added = "1.1"` and the like of a type.
fn head(
    qualified: &str,
    availability: &Availability,
    sensitive: Option<At<()>>,
    growth: Growth,
    reserved: &[At<Reserved>],
) -> Vec<String> {
    let mut all = vec![format!("name = {qualified:?}")];
    all.extend(added(availability));
    all.extend(sensitive.map(|_| "sensitive".to_owned()));
    all.extend(growth.is_closed().then(|| "final".to_owned()));
    let reserved = reserved.iter().map(|reserved| match &reserved.value {
        Reserved::Numbers(first, last) if first == last => first.to_string(),
        Reserved::Numbers(first, last) => format!("{first}..={last}"),
        Reserved::Name(name) => name.clone(),
    });
    let reserved: Vec<String> = reserved.collect();
    all.extend((!reserved.is_empty()).then(|| format!("reserved({})", reserved.join(", "))));
    all
}

fn added(availability: &Availability) -> Option<String> {
    availability.added.map(|added| format!("added = \"{}\"", added.value))
}

fn structure(item: &Struct) -> String {
    let mut arguments = head(&item.qualified, &item.availability, item.sensitive, item.growth, &[]);
    arguments.extend(tombstones(&item.fields));
    format!(
        "{}{}#[derive(Alpc)]\n{}pub struct {} {{\n{}}}",
        docs(&item.docs),
        deprecated(&item.availability),
        alpc(&arguments),
        rust(&item.name),
        named(&item.fields)
    )
}

/// The fields that are there, with names.
fn named(fields: &[Field]) -> String {
    let living = fields.iter().filter(|field| !field.is_removed());
    living
        .map(|field| format!("{}{}: {},\n", marks(field), rust(&field.name), ty(&field.ty)))
        .collect()
}

fn marks(field: &Field) -> String {
    let mut all: Vec<String> = added(&field.availability).into_iter().collect();
    all.extend(field.sensitive.map(|_| "sensitive".to_owned()));
    all.extend(said(&field.default).map(|default| format!("default = {}", expr(default))));
    all.extend(of_type(&field.ty));
    format!("{}{}{}", docs(&field.docs), deprecated(&field.availability), alpc(&all))
}

/// `removed(..)` for each field that is no more.
fn tombstones(fields: &[Field]) -> Vec<String> {
    let first = fields.iter().find(|field| !field.is_removed());
    let mut stones = Vec::new();
    let mut before: Option<&Field> = None;
    for field in fields {
        if let Some(version) = field.availability.removed {
            let place = match (before, first) {
                (Some(before), _) => format!(", after = {}", rust(&before.name)),
                (None, Some(first)) => format!(", before = {}", rust(&first.name)),
                (None, None) => String::new(),
            };
            let declared = format!("{}{}: {}", marks(field), rust(&field.name), ty(&field.ty));
            stones.push(format!("removed({}, {declared}{place})", version.value));
        }
        before = Some(field);
    }
    stones
}

fn enumeration(item: &Enum) -> String {
    let mut arguments =
        head(&item.qualified, &item.availability, item.sensitive, item.growth, &item.reserved);
    let first = item.members.iter().find(|member| member.availability.removed.is_none());
    let mut before: Option<&Member> = None;
    let mut members = String::new();
    for member in &item.members {
        let value = member.value.as_ref().map(expr).unwrap_or_default();
        match member.availability.removed {
            None => {
                let marks: Vec<String> = [format!("value = {value}")]
                    .into_iter()
                    .chain(added(&member.availability))
                    .collect();
                let (docs, gone) = (docs(&member.docs), deprecated(&member.availability));
                members += &format!("{docs}{gone}{}{},\n", alpc(&marks), rust(&member.name));
            }
            Some(version) => {
                let marks: Vec<String> = added(&member.availability).into_iter().collect();
                let (docs, gone) = (docs(&member.docs), deprecated(&member.availability));
                arguments.push(format!(
                    "removed({}, {docs}{gone}{}{} = {value}{})",
                    version.value,
                    alpc(&marks),
                    rust(&member.name),
                    place(before.map(|it| &it.name), first.map(|it| &it.name))
                ));
            }
        }
        before = Some(member);
    }
    if item.growth == Growth::Open {
        members += &format!("Unrecognized({}),\n", item.base.value.name());
    }
    type_of("enum", &item.docs, &item.availability, &arguments, &item.name, &members)
}

fn place(before: Option<&Name>, first: Option<&Name>) -> String {
    match (before, first) {
        (Some(before), _) => format!(", after = {}", rust(before)),
        (None, Some(first)) => format!(", before = {}", rust(first)),
        (None, None) => String::new(),
    }
}

fn type_of(
    word: &str,
    documentation: &[String],
    availability: &Availability,
    arguments: &[String],
    name: &Name,
    body: &str,
) -> String {
    let (docs, gone, alpc) = (docs(documentation), deprecated(availability), alpc(arguments));
    format!("{docs}{gone}#[derive(Alpc)]\n{alpc}pub {word} {} {{\n{body}}}", rust(name))
}

fn flags(item: &Flags) -> String {
    let head =
        head(&item.qualified, &item.availability, item.sensitive, Growth::Open, &item.reserved);
    let listed: String = item
        .members
        .iter()
        .map(|member| {
            let removed = member.availability.removed;
            let removed = removed.map(|version| format!("removed = \"{}\"", version.value));
            let marks: Vec<String> =
                added(&member.availability).into_iter().chain(removed).collect();
            let value = member.value.as_ref().map(expr).unwrap_or_default();
            let (docs, gone) = (docs(&member.docs), deprecated(&member.availability));
            format!("{docs}{gone}{}{} = {value},\n", alpc(&marks), rust(&member.name))
        })
        .collect();
    let arguments: Vec<String> = [format!("flags({listed})")].into_iter().chain(head).collect();
    format!(
        "{}{}#[derive(Alpc)]\n{}pub struct {}({});",
        docs(&item.docs),
        deprecated(&item.availability),
        alpc(&arguments),
        rust(&item.name),
        item.base.value.name()
    )
}

fn union(item: &Union) -> String {
    let mut arguments =
        head(&item.qualified, &item.availability, item.sensitive, item.growth, &item.reserved);
    arguments.push(match item.used_as {
        UnionUse::Error => "error".to_owned(),
        UnionUse::Data => "union".to_owned(),
    });
    let first = item.variants.iter().find(|variant| variant.availability.removed.is_none());
    let mut before: Option<&Variant> = None;
    let mut variants = String::new();
    for variant in &item.variants {
        let tag = variant.tag.as_ref().map(expr).unwrap_or_default();
        let fields = variant.payload.fields();
        let mut marks: Vec<String> = added(&variant.availability).into_iter().collect();
        if matches!(variant.payload, Payload::Named(_)) {
            marks.extend(tombstones(fields));
        }
        let body = match &variant.payload {
            Payload::Unit => String::new(),
            Payload::Named(fields) => format!(" {{ {} }}", named(fields)),
            Payload::Positional(fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|field| self::marks(field) + &ty(&field.ty)).collect();
                format!("({})", fields.join(", "))
            }
        };
        let (docs, gone) = (docs(&variant.docs), deprecated(&variant.availability));
        match variant.availability.removed {
            None => {
                marks.push(format!("tag = {tag}"));
                variants +=
                    &format!("{docs}{gone}{}{}{body},\n", alpc(&marks), rust(&variant.name));
            }
            Some(version) => arguments.push(format!(
                "removed({}, {docs}{gone}{}{}{body} = {tag}{})",
                version.value,
                alpc(&marks),
                rust(&variant.name),
                place(before.map(|it| &it.name), first.map(|it| &it.name))
            )),
        }
        before = Some(variant);
    }
    if item.growth == Growth::Open {
        variants += "Unrecognized { tag: u32, payload: Vec<u8> },\n";
    }
    type_of("enum", &item.docs, &item.availability, &arguments, &item.name, &variants)
}

fn interface(item: &Interface) -> String {
    let mut arguments = vec![format!("name = {:?}", item.qualified)];
    arguments.extend(item.uuid.map(|id| format!("uuid = {:?}", uuid(id.value))));
    arguments.extend(item.version.map(|version| format!("version = \"{}\"", version.value)));
    arguments
        .extend(item.endpoint.as_ref().map(|endpoint| format!("endpoint = {:?}", endpoint.value)));
    arguments.extend(item.stable.map(|_| "stable".to_owned()));
    arguments.extend(added(&item.availability));
    let reserved: Vec<String> = item.reserved.iter().map(rust).collect();
    arguments.extend((!reserved.is_empty()).then(|| format!("reserved({})", reserved.join(", "))));
    let methods: String = item.methods.iter().map(method).collect();
    let events: String = item.events.iter().map(event).collect();
    let bases: Vec<String> = item.bases.iter().map(base).collect();
    let bases = if bases.is_empty() { String::new() } else { format!(": {}", bases.join(" + ")) };
    format!(
        "{}{}#[alpc_interface({})]\npub trait {}{bases} {{\n{methods}{events}}}",
        docs(&item.docs),
        deprecated(&item.availability),
        arguments.join(", "),
        rust(&item.name)
    )
}

/// `#[added(1.1)]` and `#[removed(1.4)]`
fn dated(availability: &Availability) -> String {
    let added = availability.added.map(|added| format!("#[added(\"{}\")] ", added.value));
    let removed = availability.removed.map(|removed| format!("#[removed(\"{}\")] ", removed.value));
    added.into_iter().chain(removed).collect()
}

fn method(item: &Method) -> String {
    let mut text = docs(&item.docs) + &deprecated(&item.availability) + &dated(&item.availability);
    for (mark, word) in [
        (item.oneway, "oneway"),
        (item.idempotent, "idempotent"),
        (item.must_understand, "must_understand"),
        (item.cancellable, "cancellable"),
    ] {
        text += &mark.map(|_| format!("#[{word}] ")).unwrap_or_default();
    }
    if let Some(name) = &item.wire_name {
        text += &format!("#[wire_name = {:?}] ", name.value);
    }
    if let Some(timeout) = item.timeout {
        text += &format!("#[timeout({:?})] ", duration(timeout.value));
    }
    text += &returns(item);
    let context = match item.context {
        Context::Taken => "cx: &Call<'_>, ",
        Context::Omitted => "",
    };
    let mut params: Vec<String> =
        item.params.iter().map(|one| param(one, item.raises.as_ref())).collect();
    let (word, answer) = match item.handler {
        Handler::Returns => ("fn", answer(item)),
        Handler::Async(_) => ("async fn", answer(item)),
        Handler::Deferred(_) => {
            let owned = |param: String| param.replace("&mut ", "").replace("Buf<'_", "Buf<'static");
            params = params.into_iter().map(owned).collect();
            params.push(responder(item));
            ("fn", String::new())
        }
    };
    let (name, params) = (rust(&item.name), params.join(", "));
    format!("{text}{word} {name}(&self, {context}{params}){answer};\n")
}

/// The parameter that a deferred answer is given to.
fn responder(item: &Method) -> String {
    let results = item.results.iter().filter(|result| !result.is_removed());
    let results = results.map(|result| result_type(result, item.raises.as_ref()));
    let buffers = item.params.iter().filter_map(|param| match (param.direction, &param.ty.kind) {
        (Direction::In, _) => None,
        (way, kind) => {
            let name = if way == Direction::Out { "OutBuf" } else { "InOutBuf" };
            let element = match kind {
                TypeKind::List(item, _) => format!(", {}", ty(item)),
                _ => String::new(),
            };
            Some(format!("{name}<'static{element}>"))
        }
    });
    let all: Vec<String> = results.chain(buffers).collect();
    let results = match all.as_slice() {
        [one] => one.clone(),
        all => format!("({})", all.join(", ")),
    };
    let raised = item.raises.as_ref().map(|raised| format!(", {}", ty(raised)));
    format!("answer: Responder<{results}{}>", raised.unwrap_or_default())
}

fn event(item: &Event) -> String {
    let mut text = docs(&item.docs) + &deprecated(&item.availability) + &dated(&item.availability);
    text += &item.must_understand.map(|_| "#[must_understand] ".to_owned()).unwrap_or_default();
    if let Some(name) = &item.wire_name {
        text += &format!("#[wire_name = {:?}] ", name.value);
    }
    let params: Vec<String> = item.params.iter().map(|one| param(one, None)).collect();
    format!("{text}#[event] fn {}({});\n", rust(&item.name), params.join(", "))
}

/// `#[handle(..)]`, `#[max(..)]` and the rest of what a type in Rust does not say itself.
fn attributes(of: &Type) -> String {
    let attribute = |said: String| match said.split_once(" = ") {
        Some((word @ ("min" | "max"), value)) => format!("#[{word}({value})] "),
        _ => format!("#[{said}] "),
    };
    of_type(of).into_iter().map(attribute).collect()
}

fn param(item: &Param, raises: Option<&Type>) -> String {
    let mut text = docs(&item.docs) + &dated(&item.availability);
    for (mark, word) in [(item.sensitive, "sensitive"), (item.raw, "raw"), (item.moved, "moved")] {
        text += &mark.map(|_| format!("#[{word}] ")).unwrap_or_default();
    }
    if let Some(via) = item.via {
        text += &format!("#[via({})] ", via.value.name());
    }
    if let Some(default) = said(&item.default) {
        text += &format!("#[default({})] ", expr(default));
    }
    if is_passed_by_value(&item.ty) {
        text += "#[copy] ";
    }
    text += &attributes(&item.ty);
    let element = |ty: &Type| match &ty.kind {
        TypeKind::List(item, _) => format!(", {}", super::types::ty(item)),
        _ => String::new(),
    };
    let shape = match (item.direction, &item.ty.kind) {
        (Direction::Out, _) => format!("&mut OutBuf<'_{}>", element(&item.ty)),
        (Direction::InOut, _) => format!("&mut InOutBuf<'_{}>", element(&item.ty)),
        (_, TypeKind::Bytes(_)) if item.view.is_some() => "View".to_owned(),
        (_, TypeKind::Bytes(_)) => "&[u8]".to_owned(),
        (_, TypeKind::String(_)) => "&str".to_owned(),
        (_, TypeKind::List(of, _)) if item.raw.is_some() => format!("&[{}]", ty(of)),
        (_, TypeKind::Stream(of)) => match raises {
            Some(raised) => format!("Stream<{}, {}>", ty(of), ty(raised)),
            None => format!("Stream<{}>", ty(of)),
        },
        _ => ty(&item.ty),
    };
    format!("{text}{}: {shape}", rust(&item.name))
}

fn is_passed_by_value(ty: &Type) -> bool {
    match &ty.kind {
        TypeKind::Named(named) => named.passing == Passing::Value,
        TypeKind::Optional(item) => is_passed_by_value(item),
        _ => false,
    }
}

fn result_type(item: &Output, raises: Option<&Type>) -> String {
    match (&item.ty.kind, raises) {
        (TypeKind::Stream(of), Some(raised)) => {
            return format!("Items<{}, {}>", ty(of), ty(raised));
        }
        (TypeKind::Stream(of), None) => return format!("Items<{}>", ty(of)),
        _ => {}
    }
    match &item.ty.kind {
        TypeKind::Bytes(_) if item.view.is_some() => "Blob".to_owned(),
        _ => ty(&item.ty),
    }
}

fn returns(item: &Method) -> String {
    if item.results.is_empty() {
        return String::new();
    }
    let entries = item.results.iter().map(|result| {
        let mut text = dated(&result.availability);
        for (mark, word) in [(result.sensitive, "sensitive"), (result.raw, "raw")] {
            text += &mark.map(|_| format!("#[{word}] ")).unwrap_or_default();
        }
        if let Some(via) = result.via {
            text += &format!("#[via({})] ", via.value.name());
        }
        if let Some(default) = said(&result.default) {
            text += &format!("#[default({})] ", expr(default));
        }
        let is_data = matches!(result.ty.kind, TypeKind::Result(..));
        if is_data && result.name.is_none() && item.raises.is_none() {
            text += "#[result] ";
        }
        text += &attributes(&result.ty);
        let name = result.name.as_ref().map_or_else(|| "_".to_owned(), rust);
        let ty = if result.is_removed() {
            format!(": {}", result_type(result, item.raises.as_ref()))
        } else {
            String::new()
        };
        format!("{text}{name}{ty}")
    });
    format!("#[returns({})] ", entries.collect::<Vec<_>>().join(", "))
}

fn answer(item: &Method) -> String {
    let living = item.results.iter().filter(|result| !result.is_removed());
    let living: Vec<String> =
        living.map(|result| result_type(result, item.raises.as_ref())).collect();
    let value = match living.as_slice() {
        [] => "()".to_owned(),
        [one] => one.clone(),
        all => format!("({})", all.join(", ")),
    };
    match &item.raises {
        Some(raised) => format!(" -> Result<{value}, {}>", ty(raised)),
        None if living.is_empty() => String::new(),
        None => format!(" -> {value}"),
    }
}
