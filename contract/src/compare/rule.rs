//! The rules by their names, which tools print and people look up.

use std::fmt;

macro_rules! rules {
    ($($name:ident $id:literal $about:literal)*) => {
        /// What kind of change a finding tells of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule { $(#[doc = $about] $name,)* }

        impl Rule {
            /// All of them.
            pub const ALL: &'static [Rule] = &[$(Rule::$name,)*];

            /// Its name: `FIELD_CHANGED`.
            pub fn id(self) -> &'static str {
                match self { $(Rule::$name => $id,)* }
            }

            /// What it tells of, in a few words.
            pub fn about(self) -> &'static str {
                match self { $(Rule::$name => $about,)* }
            }
        }
    };
}

rules! {
    AddMethod "ADD_METHOD" "a method or an event was added"
    MethodRemoved "METHOD_REMOVED" "a method or an event is gone"
    MethodRenamed "METHOD_RENAMED" "a method has another name, and so another number"
    MethodMoved "METHOD_MOVED" "a method is declared in another interface, and so has another number"
    SourceRenamed "SOURCE_RENAMED" "something has another name in the source, and the same place on the wire"
    SourceChanged "SOURCE_CHANGED" "something looks otherwise in the source, and is the same on the wire"
    InterfaceRenamed "INTERFACE_RENAMED" "an interface has another name"
    InterfaceRemoved "INTERFACE_REMOVED" "an interface is gone"
    NewInterface "NEW_INTERFACE" "an interface has another uuid or another major version"
    ParamAdded "PARAM_ADDED" "a parameter or result that a reader can do without was appended"
    ParamRequired "PARAM_REQUIRED" "a parameter or result that a reader cannot do without was appended"
    ParamChanged "PARAM_CHANGED" "a parameter or result was inserted, removed, moved, or has another type"
    FieldNoDefault "FIELD_NO_DEFAULT" "a field without a default was appended"
    FieldChanged "FIELD_CHANGED" "a field was inserted, deleted, moved, or has another type"
    FieldRemoved "FIELD_REMOVED" "a field or a parameter became a tombstone"
    FinalChanged "FINAL_CHANGED" "a `[final]` type is another one"
    FinalToggled "FINAL_TOGGLED" "a type became `[final]`, or is no longer"
    TagChanged "TAG_CHANGED" "a value or a tag means something else"
    TagRemoved "TAG_REMOVED" "a value or a variant is gone"
    BaseChanged "BASE_CHANGED" "an enum's numbers have another base type"
    BoundWidened "BOUND_WIDENED" "more lengths or values are allowed"
    BoundNarrowed "BOUND_NARROWED" "fewer lengths or values are allowed"
    DefaultChanged "DEFAULT_CHANGED" "absent data means something else"
    RaisesChanged "RAISES_CHANGED" "the error that a method raises came, went, or is another one"
    ShapeChanged "SHAPE_CHANGED" "data flows another way, or a reply came or went"
    Semantic "SEMANTIC" "what callers may rely on is another thing"
    HandleChanged "HANDLE_CHANGED" "a handle is of another kind, or needs other rights"
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
