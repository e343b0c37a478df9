//! From the description of an interface back to `.idl` text.
//!
//! What is printed says exactly what the description says, so that reading it gives an equal one.
//! What a description has forgotten (comments, the names of aliases, how a number was written) is not
//! there. The only place that knows how things are written: when the language grows, this grows.

mod interfaces;
mod types;

use std::collections::{HashMap, HashSet};

pub(crate) use types::{float, uuid};

use crate::fmt::format;
use crate::ir::{
    Alias, At, Availability, Const, Enum, Expr, Field, Flags, Growth, IntKind, Item, Look, Member,
    Module, Name, Payload, Reserved, Struct, Union, UnionUse, Variant, Version, Via,
};
use crate::resolve::NO_FLAG;

/// The `.idl` text of a module, laid out.
pub fn print(module: &Module) -> String {
    let (names, aliases) = (names(module), aliases(module));
    let mut printer = Printer { text: String::new(), names, aliases };
    printer.module(module);
    // Text that does not parse is still the best that there is to show.
    format(&printer.text).unwrap_or(printer.text)
}

/// What things are called in `.idl`, by what generated Rust calls them.
pub(crate) type Names = HashMap<String, String>;

pub(crate) fn names(module: &Module) -> Names {
    let mut names = Names::new();
    for import in module.imports.iter().filter_map(|import| import.module.as_deref()) {
        let place = import.rust.to_string().replace(' ', "");
        for (rust, idl) in self::names(&import.module) {
            names.insert(format!("{place}::{rust}"), format!("{}.{idl}", import.module.name));
        }
    }
    for item in &module.items {
        let name = item.name();
        names.insert(name.ident().to_string(), name.text.clone());
        let members = match item {
            Item::Enum(item) => &item.members,
            Item::Flags(item) => {
                names.insert(format!("{}::{NO_FLAG}", name.ident()), format!("{name}.{NO_FLAG}"));
                &item.members
            }
            _ => continue,
        };
        for member in members {
            let path = format!("{}::{}", name.ident(), member.name.ident());
            names.insert(path, format!("{name}.{}", member.name));
        }
    }
    names
}

/// What is sensitive about a positional field is said by an alias for its type.
fn aliases(module: &Module) -> HashMap<[String; 3], String> {
    let taken: HashSet<&str> = module.items.iter().map(|item| item.name().text.as_str()).collect();
    let mut aliases = HashMap::new();
    for item in &module.items {
        let Item::Union(item) = item else { continue };
        for variant in &item.variants {
            let Payload::Positional(fields) = &variant.payload else { continue };
            for field in fields.iter().filter(|field| field.sensitive.is_some()) {
                let place = [&item.name, &variant.name, &field.name].map(|name| name.text.clone());
                let mut name = place.concat();
                while taken.contains(name.as_str()) {
                    name.push('_');
                }
                aliases.insert(place, name);
            }
        }
    }
    aliases
}

struct Printer {
    text: String,
    names: Names,
    /// The names of aliases that say of the fields of `Variant(A, B)` what has no place there, by the
    /// names of union, variant and field.
    aliases: HashMap<[String; 3], String>,
}

/// What stands between brackets before something.
#[derive(Default)]
struct Attributes(Vec<String>);

impl Attributes {
    fn add(&mut self, attribute: impl Into<String>) {
        self.0.push(attribute.into());
    }

    fn flag(&mut self, name: &str, given: Option<At<()>>) {
        if given.is_some() {
            self.add(name);
        }
    }

    fn version(&mut self, name: &str, given: Option<At<Version>>) {
        if let Some(version) = given {
            self.add(format!("{name}({})", version.value));
        }
    }

    fn growth(&mut self, growth: Growth) {
        if growth.is_closed() {
            self.add("final");
        }
    }

    fn availability(&mut self, availability: &Availability) {
        let Availability { added, deprecated, removed } = availability;
        self.version("added", *added);
        if let Some(deprecated) = deprecated {
            let since = deprecated.since.map(|since| since.value.to_string());
            let note = deprecated.note.as_deref().map(types::quoted);
            let arguments: Vec<_> = since.into_iter().chain(note).collect();
            self.add(format!("deprecated({})", arguments.join(", ")));
        }
        self.version("removed", *removed);
    }

    fn look(&mut self, name: &Name, look: &Look) {
        let Look { hidden, derives } = look;
        self.rust_name(name);
        self.flag("doc.hidden", *hidden);
        if !derives.is_empty() {
            let derives = derives.iter().map(|derive| derive.to_string().replace(" :: ", "."));
            self.add(format!("rust.derive({})", derives.collect::<Vec<_>>().join(", ")));
        }
    }

    fn rust_name(&mut self, name: &Name) {
        if let Some(rust) = &name.rust {
            self.add(format!("rust.name({})", types::quoted(rust)));
        }
    }

    fn via(&mut self, via: Option<At<Via>>) {
        if let Some(via) = via {
            self.add(format!("via({})", via.value.name()));
        }
    }

    fn wire_name(&mut self, name: &Option<At<String>>) {
        if let Some(name) = name {
            self.add(format!("wire_name({})", types::quoted(&name.value)));
        }
    }
}

impl Printer {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn docs(&mut self, marker: &str, docs: &[String]) {
        for line in docs {
            self.put(&format!("{marker} {line}\n"));
        }
    }

    /// Documentation and attributes.
    fn head(&mut self, docs: &[String], attributes: Attributes) {
        if !docs.is_empty() && !self.text.ends_with('\n') {
            self.put("\n");
        }
        self.docs("///", docs);
        if !attributes.0.is_empty() {
            self.put(&format!("[{}] ", attributes.0.join(", ")));
        }
    }

    fn module(&mut self, module: &Module) {
        // What short names stand for is written out wherever they were used.
        let Module { name, docs, version, stable, imports, uses: _, items, aliases: _ } = module;
        self.docs("//!", docs);
        let mut attributes = Attributes::default();
        attributes.version("version", *version);
        attributes.flag("stable", *stable);
        self.head(&[], attributes);
        self.put(&format!("module {name};\n"));
        if !imports.is_empty() {
            self.put("\n");
        }
        for import in imports {
            self.put(&format!("import {};\n", types::quoted(&import.path.value)));
        }
        for item in items {
            self.put("\n");
            match item {
                Item::Const(item) => self.constant(item),
                Item::Alias(item) => self.alias(item),
                Item::Struct(item) => self.record(item),
                Item::Enum(item) => self.enumeration(item),
                Item::Flags(item) => self.flags(item),
                Item::Union(item) => self.union(item),
                Item::Interface(item) => self.interface(item),
            }
        }
    }

    fn constant(&mut self, item: &Const) {
        let Const { name, docs, availability, look, ty, value } = item;
        let mut attributes = Attributes::default();
        attributes.availability(availability);
        attributes.look(name, look);
        self.head(docs, attributes);
        self.put(&format!("const {name}: "));
        self.ty(ty);
        self.value(" = ", Some(value));
        self.put(";\n");
    }

    fn alias(&mut self, item: &Alias) {
        let Alias { name, docs, availability, sensitive, ty } = item;
        let mut attributes = Attributes::default();
        attributes.availability(availability);
        attributes.flag("sensitive", *sensitive);
        self.head(docs, attributes);
        self.put(&format!("type {name} = "));
        self.ty(ty);
        self.put(";\n");
    }

    fn record(&mut self, item: &Struct) {
        let Struct { name, qualified: _, docs, availability, look, sensitive, growth, fields } =
            item;
        let mut attributes = Attributes::default();
        attributes.growth(*growth);
        attributes.availability(availability);
        attributes.flag("sensitive", *sensitive);
        attributes.look(name, look);
        self.head(docs, attributes);
        self.put(&format!("struct {name} "));
        self.fields(fields, "\n");
        self.put("\n");
    }

    /// `{ a: u8, b: u8 }`, on one line if it fits and `gap` is a blank.
    fn fields(&mut self, fields: &[Field], gap: &str) {
        self.put("{");
        for field in fields {
            self.put(gap);
            self.field(field);
            self.put(",");
        }
        self.put(gap);
        self.put("}");
    }

    fn field(&mut self, field: &Field) {
        let Field { name, docs, availability, look, sensitive, ty, default } = field;
        let mut attributes = Attributes::default();
        attributes.availability(availability);
        attributes.flag("sensitive", *sensitive);
        attributes.look(name, look);
        self.head(docs, attributes);
        self.put(&format!("{name}: "));
        self.ty(ty);
        self.value(" = ", default.as_ref());
    }

    /// `lead` and the value; nothing for the default of an optional, which goes without saying.
    fn value(&mut self, lead: &str, value: Option<&Expr>) {
        if let Some(value) = value.filter(|value| value.kind != crate::ir::ExprKind::None) {
            self.put(lead);
            self.expr(value);
        }
    }

    fn enumeration(&mut self, item: &Enum) {
        let Enum {
            name,
            qualified: _,
            docs,
            availability,
            look,
            sensitive,
            growth,
            base,
            members,
            reserved,
        } = item;
        let mut attributes = Attributes::default();
        attributes.growth(*growth);
        attributes.availability(availability);
        attributes.flag("sensitive", *sensitive);
        attributes.look(name, look);
        self.head(docs, attributes);
        self.put(&format!("enum {name}"));
        if base.value != IntKind::U32 {
            self.put(&format!(" : {}", base.value.name()));
        }
        self.members(members, reserved);
    }

    fn flags(&mut self, item: &Flags) {
        let Flags {
            name,
            qualified: _,
            docs,
            availability,
            look,
            sensitive,
            base,
            members,
            reserved,
        } = item;
        let mut attributes = Attributes::default();
        attributes.availability(availability);
        attributes.flag("sensitive", *sensitive);
        attributes.look(name, look);
        self.head(docs, attributes);
        self.put(&format!("flags {name} : {}", base.value.name()));
        self.members(members, reserved);
    }

    fn members(&mut self, members: &[Member], reserved: &[At<Reserved>]) {
        self.put(" {\n");
        for Member { name, docs, availability, look, value } in members {
            let mut attributes = Attributes::default();
            attributes.availability(availability);
            attributes.look(name, look);
            self.head(docs, attributes);
            self.put(&name.text);
            self.value(" = ", value.as_ref());
            self.put(",\n");
        }
        self.reserved(reserved);
        self.put("}\n");
    }

    fn union(&mut self, item: &Union) {
        let Union {
            name,
            qualified: _,
            docs,
            availability,
            look,
            sensitive,
            growth,
            used_as,
            variants,
            reserved,
        } = item;
        let union = name;
        for variant in variants {
            for field in variant.payload.fields() {
                let place = [union, &variant.name, &field.name].map(|name| name.text.clone());
                if let Some(alias) = self.aliases.get(&place).cloned() {
                    self.put(&format!("[sensitive] type {alias} = "));
                    self.ty(&field.ty);
                    self.put(";\n");
                }
            }
        }
        let mut attributes = Attributes::default();
        attributes.growth(*growth);
        attributes.availability(availability);
        attributes.flag("sensitive", *sensitive);
        attributes.look(name, look);
        self.head(docs, attributes);
        let keyword = match used_as {
            UnionUse::Error => "error",
            UnionUse::Data => "union",
        };
        self.put(&format!("{keyword} {name} {{\n"));
        for Variant { name, docs, availability, look, tag, payload } in variants {
            let mut attributes = Attributes::default();
            attributes.availability(availability);
            attributes.look(name, look);
            self.head(docs, attributes);
            self.put(&name.text);
            match payload {
                Payload::Unit => {}
                Payload::Positional(fields) => {
                    self.all("(", fields, ")", |this, field| {
                        let place = [union, name, &field.name].map(|name| name.text.clone());
                        match this.aliases.get(&place).cloned() {
                            Some(alias) => this.put(&alias),
                            None => this.ty(&field.ty),
                        }
                    });
                }
                Payload::Named(fields) => {
                    self.put(" ");
                    self.fields(fields, " ");
                }
            }
            self.value(" = ", tag.as_ref());
            self.put(",\n");
        }
        self.reserved(reserved);
        self.put("}\n");
    }

    fn reserved(&mut self, reserved: &[At<Reserved>]) {
        for reserved in reserved {
            let text = match &reserved.value {
                Reserved::Numbers(first, last) if first == last => first.to_string(),
                Reserved::Numbers(first, last) => format!("{first}..={last}"),
                Reserved::Name(name) => name.clone(),
            };
            self.put(&format!("reserved {text},\n"));
        }
    }

    /// `one` of each of `items`, with commas between them.
    fn all<T>(&mut self, open: &str, items: &[T], close: &str, one: impl Fn(&mut Self, &T)) {
        self.put(open);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.put(", ");
            }
            one(self, item);
        }
        self.put(close);
    }
}
