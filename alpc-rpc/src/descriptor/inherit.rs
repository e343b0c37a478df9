//! What must be true of an interface and those that it inherits from.
//!
//! A macro sees one trait at a time and knows of a base nothing but its path, so it cannot tell that
//! both have a method of one name. The constants that it makes can: they are looked at while the
//! program is compiled, and what is wrong stops the compiler.

use super::InterfaceDesc;

/// Stops the compiler if `interface` declares something, known to its users by one of `names`, that
/// an interface it inherits from has, too; or if two of its methods and events have one number.
///
/// # Panics
///
/// While the program is compiled.
#[track_caller]
pub const fn check(interface: &InterfaceDesc, names: &[&str]) {
    let mut bases = interface.bases;
    while let [base, others @ ..] = bases {
        declares_none(interface, base, names);
        shares_no_number(interface, base);
        let mut left = others;
        while let [other, rest @ ..] = left {
            share_no_number(base, other);
            left = rest;
        }
        bases = others;
    }
}

/// Neither `base` nor what it inherits from has one of `names`.
#[track_caller]
const fn declares_none(interface: &InterfaceDesc, base: &InterfaceDesc, names: &[&str]) {
    let mut left = names;
    while let [name, rest @ ..] = left {
        let mut methods = base.methods;
        while let [method, others @ ..] = methods {
            refuse_name(interface, base, name, method.name);
            methods = others;
        }
        let mut events = base.events;
        while let [event, others @ ..] = events {
            refuse_name(interface, base, name, event.name);
            events = others;
        }
        left = rest;
    }
    let mut bases = base.bases;
    while let [base, rest @ ..] = bases {
        declares_none(interface, base, names);
        bases = rest;
    }
}

#[track_caller]
const fn refuse_name(interface: &InterfaceDesc, base: &InterfaceDesc, name: &str, taken: &str) {
    if is_equal(name.as_bytes(), taken.as_bytes()) {
        let text = Text::NEW.push("`").push(interface.name).push("` declares `").push(name);
        let text = text.push("`, which it has from `").push(base.name).push("` already");
        panic!("{}", text.as_str());
    }
}

/// Nothing of `one` has the number of something of `other`, unless both have it from one interface.
#[track_caller]
const fn share_no_number(one: &InterfaceDesc, other: &InterfaceDesc) {
    shares_no_number(one, other);
    let mut bases = one.bases;
    while let [base, rest @ ..] = bases {
        share_no_number(base, other);
        bases = rest;
    }
}

/// Nothing that `one` itself declares has the number of something of `other`, or of what that
/// inherits, unless that is `one` again.
#[track_caller]
const fn shares_no_number(one: &InterfaceDesc, other: &InterfaceDesc) {
    if one.id != other.id {
        let mut methods = one.methods;
        while let [method, rest @ ..] = methods {
            refuse_number(one, method.name, method.ordinal, other);
            methods = rest;
        }
        let mut events = one.events;
        while let [event, rest @ ..] = events {
            refuse_number(one, event.name, event.ordinal, other);
            events = rest;
        }
    }
    let mut bases = other.bases;
    while let [base, rest @ ..] = bases {
        shares_no_number(one, base);
        bases = rest;
    }
}

#[track_caller]
const fn refuse_number(one: &InterfaceDesc, name: &str, ordinal: u64, other: &InterfaceDesc) {
    let mut taken = None;
    let mut methods = other.methods;
    while let [method, rest @ ..] = methods {
        if method.ordinal == ordinal {
            taken = Some(method.name);
        }
        methods = rest;
    }
    let mut events = other.events;
    while let [event, rest @ ..] = events {
        if event.ordinal == ordinal {
            taken = Some(event.name);
        }
        events = rest;
    }
    if let Some(taken) = taken {
        let text = Text::NEW.push("`").push(one.name).push(".").push(name).push("` and `");
        let text = text.push(other.name).push(".").push(taken).push("` have the same number: ");
        let text = text.push("give one of them another `wire_name`");
        panic!("{}", text.as_str());
    }
}

const fn is_equal(one: &[u8], other: &[u8]) -> bool {
    let (mut one, mut other) = (one, other);
    // Without recursion, of which the compiler takes a hundred levels.
    while let ([first, rest @ ..], [second, others @ ..]) = (one, other) {
        if *first != *second {
            return false;
        }
        (one, other) = (rest, others);
    }
    one.is_empty() && other.is_empty()
}

/// A message that is put together while the program is compiled, where nothing can be allocated.
#[derive(Clone, Copy)]
struct Text {
    bytes: [u8; Text::LONGEST],
    len: usize,
}

impl Text {
    const LONGEST: usize = 512;
    const NEW: Text = Text { bytes: [0; Text::LONGEST], len: 0 };

    /// As much of `text` as there is room for.
    const fn push(mut self, text: &str) -> Text {
        let mut left = text.as_bytes();
        while let [letter, rest @ ..] = left {
            if let Some(place) = self.bytes.split_at_mut(self.len).1.first_mut() {
                *place = *letter;
                self.len += 1;
            }
            left = rest;
        }
        self
    }

    const fn as_str(&self) -> &str {
        match core::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            // A letter was cut in two at the end.
            Err(_) => "an interface has something that it inherits already",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::MethodDesc;

    const fn method(name: &'static str, ordinal: u64) -> MethodDesc {
        MethodDesc {
            name,
            ordinal,
            oneway: false,
            idempotent: false,
            must_understand: false,
            cancellable: false,
            timeout: None,
            params: &[],
            results: &[],
            raises: None,
        }
    }

    const fn interface(name: &'static str, id: u128) -> InterfaceDesc {
        InterfaceDesc {
            name,
            id,
            major: 1,
            minor: 0,
            endpoint: None,
            bases: &[],
            methods: &[],
            events: &[],
        }
    }

    static DEVICE: InterfaceDesc =
        InterfaceDesc { methods: &[method("name", 1)], ..interface("a.Device", 1) };
    static CAMERA: InterfaceDesc = InterfaceDesc {
        bases: &[&DEVICE],
        methods: &[method("zoom", 2)],
        ..interface("a.Camera", 2)
    };
    static RECORDER: InterfaceDesc = InterfaceDesc {
        bases: &[&DEVICE],
        methods: &[method("start", 3)],
        ..interface("a.Recorder", 3)
    };
    static PHONE: InterfaceDesc =
        InterfaceDesc { bases: &[&CAMERA, &RECORDER], ..interface("a.Phone", 4) };

    fn refusal(interface: &InterfaceDesc, names: &[&str]) -> String {
        let refused = std::panic::catch_unwind(|| check(interface, names)).unwrap_err();
        refused.downcast_ref::<String>().unwrap().clone()
    }

    #[test]
    fn what_is_inherited_on_two_ways_is_no_clash() {
        check(&PHONE, &["call"]);
        let names: Vec<_> = PHONE.inherited().iter().map(|base| base.name).collect();
        assert_eq!(names, ["a.Device", "a.Camera", "a.Recorder"]);
        assert_eq!(PHONE.method(1).unwrap().name, "name");
        assert_eq!(PHONE.method(3).unwrap().name, "start");
        assert!(PHONE.method(4).is_none());
    }

    #[test]
    fn long_names_are_compared_to_their_ends() {
        const LONG: &str = concat!(
            "a_name_of_more_letters_than_the_compiler_lets_functions_call_each_other_when_it_",
            "computes_a_constant_which_are_a_hundred_and_twenty_eight_unless_a_crate_says_more"
        );
        const _: () = assert!(is_equal(LONG.as_bytes(), LONG.as_bytes()));
        assert!(!is_equal(LONG.as_bytes(), LONG.split_at(150).0.as_bytes()));
    }

    #[test]
    fn what_a_base_of_a_base_has_is_not_declared_again() {
        let told = refusal(&PHONE, &["call", "name"]);
        assert_eq!(told, "`a.Phone` declares `name`, which it has from `a.Device` already");
    }

    #[test]
    fn one_number_is_not_shared_by_two() {
        static RADIO: InterfaceDesc =
            InterfaceDesc { methods: &[method("tune", 2)], ..interface("a.Radio", 5) };
        static BOTH: InterfaceDesc =
            InterfaceDesc { bases: &[&CAMERA, &RADIO], ..interface("a.Both", 6) };
        let told = refusal(&BOTH, &[]);
        assert!(
            told.starts_with("`a.Camera.zoom` and `a.Radio.tune` have the same number"),
            "{told}"
        );
        static OWN: InterfaceDesc = InterfaceDesc {
            bases: &[&CAMERA],
            methods: &[method("ring", 1)],
            ..interface("a.Own", 7)
        };
        let told = refusal(&OWN, &["ring"]);
        assert!(told.starts_with("`a.Own.ring` and `a.Device.name` have"), "{told}");
    }
}
