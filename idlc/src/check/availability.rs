//! When things came and went: in this order, and where something can come and go.

use super::Checker;
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{At, Availability, Direction, Growth, Item, Module, Param, Version};

impl Checker<'_> {
    /// The availability of everything that stands in a module.
    pub(super) fn availabilities(&mut self, module: &Module) {
        for item in &module.items {
            self.availability(item.availability());
            match item {
                Item::Struct(item) => item.fields.iter().for_each(|field| {
                    self.availability(&field.availability);
                    self.not_final(item.growth, &field.availability);
                }),
                Item::Enum(item) => item.members.iter().for_each(|member| {
                    self.availability(&member.availability);
                    self.not_final(item.growth, &member.availability);
                }),
                Item::Flags(item) => {
                    let members = item.members.iter().map(|member| &member.availability);
                    members.for_each(|all| self.availability(all));
                }
                Item::Union(item) => {
                    for variant in &item.variants {
                        self.availability(&variant.availability);
                        self.not_final(item.growth, &variant.availability);
                        for field in variant.payload.fields() {
                            self.availability(&field.availability);
                            self.not_final(item.growth, &field.availability);
                        }
                    }
                }
                Item::Interface(item) => {
                    let consts = item.consts.iter().map(|constant| &constant.availability);
                    consts.for_each(|all| self.availability(all));
                    for event in &item.events {
                        self.availability(&event.availability);
                        event.params.iter().for_each(|param| self.param_availability(param));
                    }
                    for method in &item.methods {
                        self.availability(&method.availability);
                        method.params.iter().for_each(|param| self.param_availability(param));
                        for result in &method.results {
                            self.availability(&result.availability);
                            self.tombstone(&result.availability, result.view, result.raw);
                            if let (Some(removed), None) =
                                (result.availability.removed, &result.name)
                            {
                                let message = "the only result of a method stays with the method";
                                let code = codes::MISPLACED_ATTRIBUTE;
                                self.push(Diagnostic::error(code, message, removed.span));
                            }
                        }
                    }
                }
                Item::Const(_) | Item::Alias(_) => {}
            }
        }
    }

    /// First it is added, then deprecated, then removed.
    fn availability(&mut self, all: &Availability) {
        let deprecated = all.deprecated.as_ref().and_then(|deprecation| deprecation.since);
        let steps: [(Option<At<Version>>, &str); 3] =
            [(all.added, "added"), (deprecated, "deprecated"), (all.removed, "removed")];
        let mut before: Option<(At<Version>, &str)> = None;
        for (version, what) in steps {
            let Some(version) = version else { continue };
            if let Some((earlier, what_before)) = before
                && version.value < earlier.value
            {
                let message = format!(
                    "{what} in {}, before it was {what_before} in {}",
                    version.value, earlier.value
                );
                let error = Diagnostic::error(codes::BAD_VERSION, message, version.span);
                self.push(error.also(earlier.span, format!("{what_before} here")));
            }
            before = Some((version, what));
        }
    }

    fn not_final(&mut self, growth: Growth, availability: &Availability) {
        if let (Growth::Closed, Some(removed)) = (growth, availability.removed) {
            let message = "nothing is removed from a `[final]` type";
            self.push(Diagnostic::error(codes::MISPLACED_ATTRIBUTE, message, removed.span));
        }
    }

    fn param_availability(&mut self, param: &Param) {
        self.availability(&param.availability);
        self.tombstone(&param.availability, param.view, param.raw);
        if let (Some(removed), Direction::Out | Direction::InOut) =
            (param.availability.removed, param.direction)
        {
            self.no_tombstone(removed, "a buffer of the caller");
        }
    }

    fn tombstone(
        &mut self,
        availability: &Availability,
        view: Option<At<()>>,
        raw: Option<At<()>>,
    ) {
        let Some(removed) = availability.removed else { return };
        for (form, what) in [(view, "a `[view]`"), (raw, "a `[raw]` list")] {
            if form.is_some() {
                self.no_tombstone(removed, what);
            }
        }
    }

    fn no_tombstone(&mut self, removed: At<Version>, what: &str) {
        let message = format!("{what} cannot be removed");
        let error = Diagnostic::error(codes::MISPLACED_ATTRIBUTE, message, removed.span);
        let help = "add a method that does without it, and say that this one is `deprecated`";
        self.push(error.help(help));
    }
}
