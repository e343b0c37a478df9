//! Whose an object is that a method receives.
//!
//! In a trait the user writes it: `RegistrationClient` is the sender's, `RegistrationRef` may be
//! one's own. An `.idl` file says `peer: Registration` for both, and the module tells which:
//!
//! - Servers hand out what their methods return and their events carry, and what they pass to the
//!   methods of callbacks; clients the other way round. An interface that clients hand out, and
//!   servers never, is a *callback*: clients implement it.
//! - Where a server receives an object of an interface that servers hand out, it may be its own,
//!   which comes back; where a client receives a callback, the same.

use std::collections::{HashMap, HashSet};

use crate::ir::{Interface, Item, Module, Object, Owner, Payload, Type, TypeKind};

/// How often what is known is refined: once for each callback that hands out another.
const ROUNDS: usize = 8;

/// Settles it for the parameters of every method and event in a module whose names are bound.
pub(super) fn settle(module: &mut Module) {
    let flows = Flows::of(module);
    for item in &mut module.items {
        let Item::Interface(item) = item else { continue };
        let is_callback = flows.callbacks.contains(&item.name.ident().to_string());
        let (by_us, by_them) = match is_callback {
            false => (&flows.by_servers, &flows.callbacks),
            true => (&flows.callbacks, &flows.by_servers),
        };
        for param in item.methods.iter_mut().flat_map(|method| &mut method.params) {
            own(&mut param.ty, by_us);
        }
        for param in item.events.iter_mut().flat_map(|event| &mut event.params) {
            own(&mut param.ty, by_them);
        }
    }
}

/// Says that an object of an interface in `handed_out` may be the receiver's own.
fn own(ty: &mut Type, handed_out: &HashSet<String>) {
    if let TypeKind::Object(object) = &mut ty.kind
        && handed_out.contains(&object.rust.to_string())
    {
        object.owner = Owner::Either;
    }
}

/// Which interfaces' objects go which way, by their names in Rust.
#[derive(Default)]
struct Flows {
    /// Handed out by clients, and never by servers.
    callbacks: HashSet<String>,
    by_servers: HashSet<String>,
}

impl Flows {
    fn of(module: &Module) -> Flows {
        let mut flows = Flows::default();
        let definitions = Definitions::of(module);
        // To find out that one is a callback may change what is known of those in its methods.
        // Where interfaces hand out each other in circles this need not come to rest.
        for _ in 0..ROUNDS {
            let next = flows.refined(module, &definitions);
            let is_settled = next.callbacks == flows.callbacks;
            flows = next;
            if is_settled {
                break;
            }
        }
        flows
    }

    fn refined(&self, module: &Module, definitions: &Definitions<'_>) -> Flows {
        let (mut by_servers, mut by_clients) = (HashSet::new(), HashSet::new());
        for item in &module.items {
            let Item::Interface(item) = item else { continue };
            let (here, there) = match self.callbacks.contains(&item.name.ident().to_string()) {
                false => (&mut by_servers, &mut by_clients),
                true => (&mut by_clients, &mut by_servers),
            };
            definitions.add(told_by(item), here);
            definitions.add(passed_to(item), there);
        }
        let callbacks = by_clients.difference(&by_servers).cloned().collect();
        Flows { callbacks, by_servers }
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
