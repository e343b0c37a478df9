/// What is done.
#[derive(Alpc)]
#[alpc(name = "acme.evolution.Task", added = "1.1")]
pub struct Task {
    pub name: String,
    #[deprecated(since = "1.2", note = "it is always zero")]
    #[alpc(default = 0)]
    pub weight: u32,
    #[alpc(added = "1.2")]
    #[doc(hidden)]
    pub note: Option<String>,
}

#[derive(Alpc)]
#[alpc(name = "acme.evolution.Kind")]
pub enum Kind {
    Fast = 1,
    #[alpc(added = "1.1")]
    #[deprecated(since = "1.2")]
    Careful = 2,
    Unrecognized(u8),
}

#[derive(Alpc)]
#[alpc(error, name = "acme.evolution.TaskError")]
#[deprecated(since = "1.3", note = "nothing goes wrong")]
pub enum TaskError {
    #[alpc(tag = 1)]
    Lost,
    #[alpc(tag = 2, added = "1.1")]
    #[deprecated(since = "1.2", note = "use `Lost`")]
    Gone(u32),
    Unrecognized { tag: u32, payload: Vec<u8> },
}

#[alpc_interface(
    stable,
    name = "acme.evolution.Switches",
    uuid = "6f1d0c1e-8a1b-4a57-9a5e-2f4c2a3b9d11"
)]
pub trait Switches {
    #[oneway]
    #[must_understand]
    fn private_mode(&self, cx: &Call<'_>, on: bool);
    #[cancellable]
    #[idempotent]
    fn search(&self, cx: &Call<'_>, text: &str) -> u64;
}

/// Runs tasks.
#[alpc_interface(name = "acme.evolution.Tasks", version = "1.3", added = "1.1")]
#[deprecated(since = "1.3", note = "use the new one")]
pub trait Tasks {
    #[returns(count, #[added(1.2)] #[default(7)] left)]
    fn run(
        &self,
        cx: &Call<'_>,
        task: Task,
        #[added(1.2)]
        #[copy]
        #[default(Kind::Fast)]
        kind: Kind,
    ) -> Result<(u32, u32), TaskError>;
    #[added(1.1)]
    #[deprecated(since = "1.2", note = "use `run`")]
    #[doc(hidden)]
    fn spawn(&self, cx: &Call<'_>, image: &str) -> u32;
}
