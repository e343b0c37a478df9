//! Methods side by side.

use super::align::align;
use super::flow::Way;
use super::types::Place;
use super::{Diff, Harm, Node, Rule, Walk};
use crate::{Direction, Kind, Method, MethodKind, Param};

/// Parameters or results.
struct List<'c> {
    old: &'c [Param],
    new: &'c [Param],
    way: Way,
    /// `parameter` or `result`.
    noun: &'static str,
}

impl<'c> Walk<'c> {
    /// Two versions of a method that have one number. Returns its node.
    pub(super) fn method(&mut self, owner: &str, old: &'c Method, new: &'c Method) -> usize {
        let node = self.node(Node { ordinal: Some(new.ordinal), ..Node::default() });
        let path = format!("{owner}.{}", new.shown_name());
        if old.shown_name() != new.shown_name() {
            let message = format!("was called `{}`", old.shown_name());
            let diff = Diff::new(Rule::SourceRenamed, &path, message);
            self.add(node, diff.source(Harm::Break));
        }
        if old.kind != new.kind {
            let message = format!("was {} and is {}", kind(old.kind), kind(new.kind));
            self.add(node, Diff::new(Rule::ShapeChanged, &path, message).blocked());
        }
        self.promises(node, &path, old, new);
        let (params, results) = (Way::Along, Way::Back);
        self.params(
            node,
            &path,
            List { old: &old.params, new: &new.params, way: params, noun: "parameter" },
        );
        self.params(
            node,
            &path,
            List { old: &old.results, new: &new.results, way: results, noun: "result" },
        );
        self.raises(node, &path, old, new);
        node
    }

    fn promises(&mut self, node: usize, path: &str, old: &Method, new: &Method) {
        if old.idempotent && !new.idempotent {
            let message = "is no longer `[idempotent]`: old clients may still ask twice";
            self.add(node, Diff::new(Rule::Semantic, path, message).forward(Harm::Warn));
        }
        if old.must_understand != new.must_understand {
            let message = match new.must_understand {
                true => {
                    "became `[must_understand]`: receivers that do not know it end the connection"
                }
                false => {
                    "is no longer `[must_understand]`: receivers that do not know it ignore it"
                }
            };
            self.add(node, Diff::new(Rule::Semantic, path, message).both_ways(Harm::Warn));
        }
    }

    fn raises(&mut self, node: usize, path: &str, old: &'c Method, new: &'c Method) {
        // A stream that the caller gives may end with it, too.
        let is_stream = |param: &Param| matches!(param.ty.kind, Kind::Stream(_));
        let is_sent = new.params.iter().chain(&old.params).any(is_stream);
        let message = match (&old.raises, &new.raises) {
            (None, None) => return,
            (Some(old), Some(new)) => {
                let ways = [Some(Way::Back), is_sent.then_some(Way::Along)];
                let found = ways
                    .into_iter()
                    .flatten()
                    .find_map(|way| self.ty(Place { node, path, way }, old, new));
                match found {
                    Some(difference) => format!("its error {difference}"),
                    None => return,
                }
            }
            (None, Some(new)) => {
                format!("raises {} and did not", new.to_string().replace('"', "`"))
            }
            (Some(old), None) => {
                format!("no longer raises {}", old.to_string().replace('"', "`"))
            }
        };
        self.add(node, Diff::new(Rule::RaisesChanged, path, message).blocked());
    }

    fn params(&mut self, node: usize, method: &str, list: List<'c>) {
        let List { old, new, way, noun } = list;
        let names = |params: &'c [Param]| -> Vec<&'c str> {
            params.iter().map(|param| param.name.as_str()).collect()
        };
        let could_be = |at: usize| match (old.get(at), new.get(at)) {
            (Some(old), Some(new)) => old.ty.kind == new.ty.kind,
            _ => false,
        };
        let found = align(&names(old), &names(new), could_be);
        for (list, of, message) in [
            (&found.deleted, old, "is gone"),
            (&found.inserted, new, "was inserted before others"),
            (&found.moved, new, "stands in another place"),
        ] {
            for param in list.iter().filter_map(|at| of.get(*at)) {
                let path = path_of(method, param);
                let message = format!("the {noun} {message}");
                self.add(node, Diff::new(Rule::ParamChanged, &path, message).blocked());
            }
        }
        for param in found.appended.iter().filter_map(|at| new.get(*at)) {
            let path = path_of(method, param);
            let diff = match param.absence.is_foreseen() {
                true => Diff::new(Rule::ParamAdded, &path, format!("the {noun} was added"))
                    .source(Harm::Break),
                false => {
                    let message = format!("the {noun} was added, and no default stands in for it");
                    let diff = Diff::new(Rule::ParamRequired, &path, message).blocked();
                    diff.help("give it a default, or make it optional: `T?`")
                }
            };
            self.add(node, diff);
        }
        for (old, new) in found.kept.iter().filter_map(|at| Some((old.get(*at)?, new.get(*at)?))) {
            self.param(node, method, (way, noun), old, new);
        }
    }

    fn param(
        &mut self,
        node: usize,
        method: &str,
        (way, noun): (Way, &str),
        old: &'c Param,
        new: &'c Param,
    ) {
        let path = path_of(method, new);
        let place = Place { node, path: &path, way };
        if old.name != new.name {
            let message = format!("the {noun} was called `{}`", old.name);
            self.add(node, Diff::new(Rule::SourceRenamed, &path, message));
        }
        let direction = |param: &Param| match param.direction {
            Direction::In => "`[in]`",
            Direction::Out => "`[out]`",
            Direction::InOut => "`[in, out]`",
        };
        if old.direction != new.direction {
            let message = format!("was {} and is {}", direction(old), direction(new));
            self.add(node, Diff::new(Rule::ShapeChanged, &path, message).blocked());
        }
        if old.raw != new.raw {
            let message = match new.raw {
                true => "became `[raw]`, and is written otherwise",
                false => "is no longer `[raw]`, and is written otherwise",
            };
            self.add(node, Diff::new(Rule::ShapeChanged, &path, message).blocked());
        }
        for (was, is, mark) in [(old.view, new.view, "[view]"), (old.moved, new.moved, "[move]")] {
            if was != is {
                let message = match is {
                    true => format!("became `{mark}`"),
                    false => format!("is no longer `{mark}`"),
                };
                let diff = Diff::new(Rule::SourceChanged, &path, message);
                self.add(node, diff.source(Harm::Break));
            }
        }
        if let Some(difference) = self.ty(place, &old.ty, &new.ty) {
            let message = format!("the {noun} {difference}");
            self.add(node, Diff::new(Rule::ParamChanged, &path, message).blocked());
        }
        self.absence(place, &old.absence, &new.absence);
        self.tombstone(place, old.availability, new.availability);
    }
}

fn path_of(method: &str, param: &Param) -> String {
    match param.name.as_str() {
        "" => method.to_owned(),
        name => format!("{method}.{name}"),
    }
}

fn kind(kind: MethodKind) -> &'static str {
    match kind {
        MethodKind::TwoWay => "a call with an answer",
        MethodKind::OneWay => "`[oneway]`",
        MethodKind::Event => "an event",
    }
}
