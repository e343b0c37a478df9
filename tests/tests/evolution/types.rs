//! Changes of types.

row! { field_renamed
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(&Data::new(1, 2)) => "Data { a: 1, c: 2 }" }
    new_client(c) { c.f(&Data::new(1, 2)) => "Data { a: 1, b: 2 }" }
}

row! { struct_renamed
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Info) } }
    old_client(c) { c.f(&Data::new(1)) => "Info { a: 1 }" }
    new_client(c) { c.f(&Info::new(1)) => "Data { a: 1 }" }
}

row! { field_appended
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(&Data::new(1)) => "Data { a: 1, b: 5, c: None }" }
    new_client(c) { c.f(&Data::new(1).with_b(2)) => "Data { a: 1 }" }
}

row! { field_without_default
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(&Data::new(1)) => "Data { a: 1, b: 0, c: [], d: Inner { e: 0.0, f: true } }" }
    new_client(c) { c.f(&Data::new(1, 2, vec![], Inner::new(1.0))) => "Data { a: 1 }" }
}

row! { field_inserted
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(&Data::new(1)) => "incompatible" }
    new_client(c) { c.f(&Data::new(1)) => "incompatible" }
}

row! { fields_swapped
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(&Data::new(1, 2)) => "incompatible" }
    new_client(c) { c.f(&Data::new(1, 2)) => "incompatible" }
}

row! { field_retyped
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(&Data::new(1)) => "incompatible" }
    new_client(c) { c.f(&Data::new(true)) => "incompatible" }
}

row! { field_deleted
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(&Data::new(1, 2)) => "incompatible" }
    new_client(c) { c.f(&Data::new(1)) => "incompatible" }
}

row! { field_buried
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(&Data::new(1).with_b(2)) => "Data { a: 1 }" }
    new_client(c) { c.f(&Data::new(1)) => "Data { a: 1, b: 5 }" }
}

row! { final_changed
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(&Data { a: 1 }) => "incompatible" }
    new_client(c) { c.f(&Data { a: 1, b: 2 }) => "incompatible" }
}

row! { final_set
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(&Data::new(1)) => "incompatible" }
    new_client(c) { c.f(&Data { a: 1 }) => "incompatible" }
}

row! { enum_value_added
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(Data::B) => "B" }
    new_client(c) { c.f(Data::B) => "B", c.f(Data::C) => "Unrecognized(2)" }
}

row! { flag_added
    old { fn f(&self, _: &Call<'_>, x: Data) -> String { u32::from(x).to_string() } }
    new { fn f(&self, _: &Call<'_>, x: Data) -> String { u32::from(x).to_string() } }
    old_client(c) { c.f(Data::A | Data::B) => "3" }
    new_client(c) { c.f(Data::A | Data::C) => "5" }
}

row! { variant_added
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(&Data::A(1)) => "A(1)" }
    new_client(c) { c.f(&Data::A(1)) => "A(1)", c.f(&Data::B { b: "x".into() }) => "Unrecognized { tag: 2, payload: [1, 120] }" }
}

row! { enum_value_changed
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(Data::A) => "incompatible" }
    new_client(c) { c.f(Data::A) => "incompatible" }
}

row! { variant_tag_changed
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(&Data::A(1)) => "incompatible" }
    new_client(c) { c.f(&Data::A(1)) => "incompatible" }
}

row! { tag_reused
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(&Data::A(1)) => "incompatible" }
    new_client(c) { c.f(&Data::A(1)) => "incompatible" }
}

row! { enum_value_removed
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(Data::A) => "A", c.f(Data::B) => "Unrecognized(1)" }
    new_client(c) { c.f(Data::A) => "A" }
}

row! { enum_value_reserved
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(Data::A) => "A", c.f(Data::B) => "Unrecognized(1)" }
    new_client(c) { c.f(Data::A) => "A" }
}

row! { variant_reserved
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(&Data::A(1)) => "A(1)", c.f(&Data::B) => "Unrecognized { tag: 2, payload: [] }" }
    new_client(c) { c.f(&Data::A(1)) => "A(1)" }
}

row! { enum_member_renamed
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(Data::B) => "C" }
    new_client(c) { c.f(Data::C) => "B" }
}

row! { enum_base_widened
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(Data::B) => "B" }
    new_client(c) { c.f(Data::B) => "B" }
}

row! { enum_base_signed
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(Data::B) => "incompatible" }
    new_client(c) { c.f(Data::B) => "incompatible" }
}

row! { default_changed
    old { shows! { f(x: Data) } }
    new { shows! { f(x: Data) } }
    old_client(c) { c.f(&Data::new(1)) => "Data { a: 1, b: 5 }" }
    new_client(c) { c.f(&Data::new(1)) => "Data { a: 1, b: 6 }" }
}

row! { enum_value_added_in_answer
    old { fn f(&self, _: &Call<'_>) -> Data { Data::B } }
    new { fn f(&self, _: &Call<'_>) -> Data { Data::C } }
    old_client(c) { c.f() => "Unrecognized(2)" }
    new_client(c) { c.f() => "B" }
}

row! { variant_added_in_answer
    old { fn f(&self, _: &Call<'_>) -> Data { Data::A(1) } }
    new { fn f(&self, _: &Call<'_>) -> Data { Data::B { b: "x".into() } } }
    old_client(c) { c.f() => "Unrecognized { tag: 2, payload: [1, 120] }" }
    new_client(c) { c.f() => "A(1)" }
}

row! { field_appended_in_answer
    old { fn f(&self, _: &Call<'_>) -> Data { Data::new(1) } }
    new { fn f(&self, _: &Call<'_>) -> Data { Data::new(1).with_b(2) } }
    old_client(c) { c.f() => "Data { a: 1 }" }
    new_client(c) { c.f() => "Data { a: 1, b: 5 }" }
}
