//! Whose an object is that a method receives or returns.
//!
//! In a trait the user writes it: `RegistrationClient` is the sender's, `RegistrationRef` may be
//! one's own. An `.idl` file says `peer: Registration` for both, and the module tells which:
//!
//! - An interface that no other mentions is implemented by servers. What it returns and tells is
//!   implemented by the same side, what is passed to it by the other: a *callback*. Where both can
//!   be said, the shorter way from such an interface counts, and to be returned is no way at all.
//!   What an interface inherits from is implemented with it.
//! - Who receives an object of an interface that his side implements, and hands out, may receive
//!   his own.
//! - Who returns an object of an interface that the other side implements has no object of his own to
//!   return: it is one that he was given, and goes home.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::ir::{Interface, Item, Module, Object, Owner, Payload, Type, TypeKind};

/// Settles it for the parameters and results of every method and event in a module whose names are bound.
pub(super) fn settle(module: &mut Module) {
    let flows = Flows::of(module);
    for item in &mut module.items {
        let Item::Interface(item) = item else { continue };
        let ours = flows.sides.get(&rust_name(item)).copied().unwrap_or(Side::Server);
        for param in item.methods.iter_mut().flat_map(|method| &mut method.params) {
            flows.receive(&mut param.ty, ours);
        }
        for result in item.methods.iter_mut().flat_map(|method| &mut method.results) {
            flows.give_back(&mut result.ty, ours);
        }
        for param in item.events.iter_mut().flat_map(|event| &mut event.params) {
            flows.receive(&mut param.ty, ours.other());
        }
    }
}

/// Who implements an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Side {
    Server,
    Client,
}

impl Side {
    fn other(self) -> Side {
        match self {
            Side::Server => Side::Client,
            Side::Client => Side::Server,
        }
    }
}

fn rust_name(interface: &Interface) -> String {
    interface.name.ident().to_string()
}

/// Which interfaces' objects go which way, by their names in Rust.
struct Flows {
    sides: HashMap<String, Side>,
    /// Which side hands out objects of which interface.
    handed_out: HashSet<(Side, String)>,
}

impl Flows {
    fn of(module: &Module) -> Flows {
        let definitions = Definitions::of(module);
        let interfaces: Vec<Mentions> = module
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Interface(item) => Some(Mentions::of(item, &definitions)),
                _ => None,
            })
            .collect();
        let sides = sides(&interfaces);
        let mut handed_out = HashSet::new();
        for interface in &interfaces {
            let ours = sides.get(&interface.name).copied().unwrap_or(Side::Server);
            handed_out.extend(interface.told.iter().map(|name| (ours, name.clone())));
            handed_out.extend(interface.passed.iter().map(|name| (ours.other(), name.clone())));
        }
        // Who hands out an object hands it out as all that it inherits from.
        let bases: HashMap<&str, &HashSet<String>> = interfaces
            .iter()
            .map(|interface| (interface.name.as_str(), &interface.bases))
            .collect();
        let mut left: Vec<_> = handed_out.iter().cloned().collect();
        while let Some((side, name)) = left.pop() {
            for base in bases.get(name.as_str()).into_iter().copied().flatten() {
                if handed_out.insert((side, base.clone())) {
                    left.push((side, base.clone()));
                }
            }
        }
        Flows { sides, handed_out }
    }

    /// Says that an object which `side` receives may be its own.
    fn receive(&self, ty: &mut Type, side: Side) {
        match &mut ty.kind {
            TypeKind::Optional(item) => self.receive(item, side),
            TypeKind::Object(object) => {
                let name = object.rust.to_string();
                let is_ours = self.sides.get(&name) == Some(&side);
                if is_ours && self.handed_out.contains(&(side, name)) {
                    object.owner = Owner::Either;
                }
            }
            _ => {}
        }
    }

    /// Says that an object which `side` returns can only be the other's own.
    fn give_back(&self, ty: &mut Type, side: Side) {
        match &mut ty.kind {
            TypeKind::Optional(item) => self.give_back(item, side),
            TypeKind::Object(object)
                if self.sides.get(&object.rust.to_string()) == Some(&side.other()) =>
            {
                object.owner = Owner::Either;
            }
            _ => {}
        }
    }
}

/// The interfaces that an interface mentions.
struct Mentions {
    name: String,
    /// What comes from it.
    told: HashSet<String>,
    /// What comes to it.
    passed: HashSet<String>,
    /// What it inherits from.
    bases: HashSet<String>,
}

impl Mentions {
    fn of(item: &Interface, definitions: &Definitions<'_>) -> Mentions {
        let (mut told, mut passed) = (HashSet::new(), HashSet::new());
        definitions.add(told_by(item), &mut told);
        definitions.add(passed_to(item), &mut passed);
        let bases = item.bases.iter().filter_map(|base| match &base.kind {
            TypeKind::Object(object) => Some(object.rust.to_string()),
            _ => None,
        });
        Mentions { name: rust_name(item), told, passed, bases: bases.collect() }
    }
}

/// Who implements each interface.
fn sides(interfaces: &[Mentions]) -> HashMap<String, Side> {
    let by_name: HashMap<&str, &Mentions> =
        interfaces.iter().map(|interface| (interface.name.as_str(), interface)).collect();
    let mentioned: HashSet<&String> = interfaces
        .iter()
        .flat_map(|from| {
            let all = from.told.iter().chain(&from.passed).chain(&from.bases);
            all.filter(move |name| **name != from.name)
        })
        .collect();
    let mut sides = HashMap::new();
    let roots = interfaces.iter().filter(|interface| !mentioned.contains(&interface.name));
    spread(roots.collect(), &by_name, &mut sides);
    // Left are rings, in which each is mentioned by another: the first begins.
    for interface in interfaces {
        spread(vec![interface], &by_name, &mut sides);
    }
    sides
}

/// Settles the sides of `from`, which servers implement, and of all that they mention: of those at
/// fewer passings first.
fn spread<'i>(
    from: Vec<&'i Mentions>,
    by_name: &HashMap<&str, &'i Mentions>,
    sides: &mut HashMap<String, Side>,
) {
    let mut left: VecDeque<_> =
        from.into_iter().map(|interface| (interface, Side::Server)).collect();
    while let Some((interface, side)) = left.pop_front() {
        if sides.contains_key(&interface.name) {
            continue;
        }
        sides.insert(interface.name.clone(), side);
        let known = |name: &String| by_name.get(name.as_str()).copied();
        for told in interface.told.iter().chain(&interface.bases).filter_map(known) {
            left.push_front((told, side));
        }
        for passed in interface.passed.iter().filter_map(known) {
            left.push_back((passed, side.other()));
        }
    }
}

/// What comes to an interface.
fn passed_to(item: &Interface) -> Vec<&Type> {
    item.methods.iter().flat_map(|method| &method.params).map(|param| &param.ty).collect()
}

/// What comes from it.
fn told_by(item: &Interface) -> Vec<&Type> {
    let results = item.methods.iter().flat_map(|method| &method.results).map(|result| &result.ty);
    let raised = item.methods.iter().filter_map(|method| method.raises.as_ref());
    let events = item.events.iter().flat_map(|event| &event.params).map(|param| &param.ty);
    results.chain(raised).chain(events).collect()
}

/// The types that are defined in a module, by their names in Rust.
struct Definitions<'m>(HashMap<String, Vec<&'m Type>>);

impl<'m> Definitions<'m> {
    fn of(module: &'m Module) -> Definitions<'m> {
        let definitions = module.items.iter().filter_map(|item| {
            let fields = match item {
                Item::Struct(item) => item.fields.iter().map(|field| &field.ty).collect(),
                Item::Union(item) => {
                    let payloads = item.variants.iter().map(|variant| &variant.payload);
                    payloads.flat_map(Payload::fields).map(|field| &field.ty).collect()
                }
                _ => return None,
            };
            Some((item.name().ident().to_string(), fields))
        });
        Definitions(definitions.collect())
    }

    /// Adds the interfaces in `types`, at any depth. Without recursion into named types, which may
    /// form a chain of any length.
    fn add<'t>(&'t self, types: Vec<&'t Type>, interfaces: &mut HashSet<String>) {
        let mut seen: HashSet<String> = HashSet::new();
        let mut left = types;
        while let Some(ty) = left.pop() {
            match &ty.kind {
                TypeKind::Object(Object { rust, .. }) => {
                    interfaces.insert(rust.to_string());
                }
                TypeKind::Named(named) => {
                    let name = named.rust.to_string();
                    if let Some(fields) = self.0.get(&name)
                        && seen.insert(name)
                    {
                        left.extend(fields);
                    }
                }
                _ => left.extend(ty.parts()),
            }
        }
    }
}
