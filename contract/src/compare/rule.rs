//! The rules by their names, which tools print and people look up.

use std::fmt;

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident $id:literal)*) => {
        /// What kind of change a finding tells of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule { $($(#[$doc])* $name,)* }

        impl Rule {
            /// All of them.
            pub const ALL: &'static [Rule] = &[$(Rule::$name,)*];

            /// Its name: `FIELD_CHANGED`.
            pub fn id(self) -> &'static str {
                match self { $(Rule::$name => $id,)* }
            }
        }
    };
}

rules! {
    /// A method or an event was added.
    AddMethod "ADD_METHOD"
    /// A method or an event is gone.
    MethodRemoved "METHOD_REMOVED"
    /// A method has another name, and so another number.
    MethodRenamed "METHOD_RENAMED"
    /// A method is declared in another interface, and so has another number.
    MethodMoved "METHOD_MOVED"
    /// Something has another name in the source, and the same place on the wire.
    SourceRenamed "SOURCE_RENAMED"
    /// Something looks otherwise in the source, and is the same on the wire.
    SourceChanged "SOURCE_CHANGED"
    /// An interface has another name.
    InterfaceRenamed "INTERFACE_RENAMED"
    /// An interface is gone.
    InterfaceRemoved "INTERFACE_REMOVED"
    /// An interface has another uuid or another major version.
    NewInterface "NEW_INTERFACE"
    /// A parameter or result that a reader can do without was appended.
    ParamAdded "PARAM_ADDED"
    /// A parameter or result that a reader cannot do without was appended.
    ParamRequired "PARAM_REQUIRED"
    /// A parameter or result was inserted, removed, moved, or has another type.
    ParamChanged "PARAM_CHANGED"
    /// A field without a default was appended.
    FieldNoDefault "FIELD_NO_DEFAULT"
    /// A field was inserted, deleted, moved, or has another type.
    FieldChanged "FIELD_CHANGED"
    /// A field or a parameter became a tombstone.
    FieldRemoved "FIELD_REMOVED"
    /// A `[final]` type is another one.
    FinalChanged "FINAL_CHANGED"
    /// A type became `[final]`, or is no longer.
    FinalToggled "FINAL_TOGGLED"
    /// A value or a tag means something else.
    TagChanged "TAG_CHANGED"
    /// A value or a variant is gone.
    TagRemoved "TAG_REMOVED"
    /// An enum's numbers have another base type.
    BaseChanged "BASE_CHANGED"
    /// More lengths or values are allowed.
    BoundWidened "BOUND_WIDENED"
    /// Fewer lengths or values are allowed.
    BoundNarrowed "BOUND_NARROWED"
    /// Absent data means something else.
    DefaultChanged "DEFAULT_CHANGED"
    /// The error that a method raises came, went, or is another one.
    RaisesChanged "RAISES_CHANGED"
    /// Data flows another way, or a reply came or went.
    ShapeChanged "SHAPE_CHANGED"
    /// What callers may rely on is another thing.
    Semantic "SEMANTIC"
    /// A handle is of another kind, or needs other rights.
    HandleChanged "HANDLE_CHANGED"
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
