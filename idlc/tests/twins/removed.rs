#[derive(Alpc, Clone, Debug, PartialEq)]
#[alpc(name = "acme.removed.Person")]
#[alpc(removed(1.1, title: Option<String>, before = name))]
#[alpc(removed(1.4, nick: String, after = name))]
#[alpc(removed(1.5, #[alpc(added = "1.1", min = 1, default = 70)] weight: u32, after = age))]
#[alpc(removed(1.5, #[alpc(added = "1.2", default = -1)] last: i64, after = weight))]
pub struct Person {
    #[alpc(min = 1, max = 64)]
    pub name: String,
    #[alpc(max = 200, default = 0)]
    pub age: u32,
}

#[derive(Alpc, Clone, Debug, PartialEq)]
#[alpc(name = "acme.removed.Nothing", removed(1.1, only: u32))]
pub struct Nothing {}

#[derive(Alpc, Clone, Copy, Debug, PartialEq)]
#[alpc(name = "acme.removed.Mode", reserved(4, 7..=9, Old))]
#[alpc(removed("1.4", /** It was slow. */ Careful, after = Fast))]
#[alpc(removed("1.4", #[alpc(added = "1.1")] Safe = 5))]
pub enum Mode {
    #[alpc(value = 1)]
    Fast,
    Slow,
    Unrecognized(u8),
}

#[derive(Alpc, Clone, Debug, PartialEq)]
#[alpc(name = "acme.removed.Step", reserved(-1))]
pub enum Step {
    #[alpc(value = 1)]
    One,
    Unrecognized(i8),
}

#[derive(Alpc, Clone, Copy, PartialEq)]
#[alpc(name = "acme.removed.Access", reserved(0x80, OLD))]
#[alpc(flags(
    READ = 0x1,
    #[alpc(removed = "1.4")]
    WRITE = 0x2,
    #[alpc(added = "1.1")]
    #[deprecated(since = "1.2", note = "see `READ`")]
    ALL = 0x5,
))]
pub struct Access(u32);

#[derive(Alpc, Clone, Debug, PartialEq)]
#[alpc(error, name = "acme.removed.Failure", reserved(9))]
#[alpc(removed(1.4, Lost(u32) = 2, after = NotFound))]
pub enum Failure {
    /// no {name}
    #[alpc(tag = 1, removed(1.4, code: u32, before = name))]
    NotFound {
        name: String,
    },
    #[alpc(tag = 3, removed(1.4, code: u32))]
    Empty {},
    #[alpc(tag = 4, removed(1.4, code: u32))]
    Bare,
    Unrecognized {
        tag: u32,
        payload: Vec<u8>,
    },
}


#[derive(Alpc, Clone, Debug, PartialEq)]
#[alpc(name = "acme.removed.Choice", removed(1.4, Many(Vec<u32>) = 2))]
pub enum Choice {
    #[alpc(tag = 1)]
    One,
    Unrecognized { tag: u32, payload: Vec<u8> },
}

#[alpc_interface(name = "acme.removed.Persons", reserved(older, oldest))]
pub trait Persons {
    #[returns(count, #[removed(1.4)] #[max(8)] text: String, #[added(1.2)] #[default(0)] last)]
    fn put(
        &self,
        cx: &Call<'_>,
        #[removed(1.4)]
        #[max(8)]
        hint: &str,
        person: Person,
        #[removed("1.4")] raw: &[u8],
        #[removed(1.5)]
        #[copy]
        mode: Option<Mode>,
        #[added(1.2)]
        #[removed(1.4)]
        #[default(-3)]
        level: i8,
    ) -> Result<(u32, u32), Failure>;
    #[returns(only, #[removed(1.4)] more: Vec<u32>)]
    fn none(&self, cx: &Call<'_>, #[removed(1.4)] all: u32) -> u32;
    #[removed(1.4)]
    fn lost(&self, cx: &Call<'_>, person: Person) -> u32;

    #[event]
    fn came(name: &str, #[removed(1.2)] age: u32);
    #[event]
    #[removed(1.4)]
    fn went(name: &str);
}

#[alpc_interface(name = "acme.removed.Quiet")]
pub trait Quiet {
    fn hush(&self, cx: &Call<'_>);

    #[event]
    #[removed(1.4)]
    fn noise(level: u32);
}
