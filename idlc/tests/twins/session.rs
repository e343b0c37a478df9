/// Something to start.
#[derive(Alpc)]
#[alpc(error, name = "acme.session.LaunchTarget")]
pub enum LaunchTarget {
    Image(String),
    Open {
        #[alpc(handle(file, read | execute))]
        file: OwnedFd,
        name: String,
    },
    Unrecognized { tag: u32, payload: Vec<u8> },
}

#[derive(Alpc)]
#[alpc(name = "acme.session.Desk")]
pub struct Desk {
    pub owner: RegistrationRef,
    #[alpc(max = 4)]
    pub spares: Vec<RegistrationRef>,
    #[alpc(handle(pipe))]
    pub pipes: BTreeMap<String, OwnedFd>,
    #[alpc(handle(event, signal))]
    pub lock: Option<OwnedFd>,
}

/// Implemented by the registered process.
#[alpc_interface(
    uuid = "b3c4a9fe-3a51-4b7a-8f4e-7d8f0a6c1e02",
    version = "1.0",
    name = "acme.session.ProcessEvents"
)]
pub trait ProcessEvents {
    #[returns(agrees, message)]
    fn query_end(&self, cx: &Call<'_>, reason: u8) -> (bool, Option<String>);
    #[oneway]
    fn ending(&self, cx: &Call<'_>, reason: u8);
    fn moved(&self, cx: &Call<'_>, to: RegistrationClient);
    fn neighbour(&self, cx: &Call<'_>, other: Option<ProcessEventsRef>);
}

/// One registered process.
#[alpc_interface(
    uuid = "c1e2d3f4-0a1b-4c2d-9e3f-405162738495",
    version = "1.2",
    name = "acme.session.Registration"
)]
pub trait Registration {
    fn add_thread(&self, cx: &Call<'_>, #[handle(thread)] thread: OwnedFd, tid: u32);
    fn share_with(
        &self,
        cx: &Call<'_>,
        peer: RegistrationRef,
        #[moved] object: OwnedFd,
        #[handle(file, read)] spare: Option<OwnedFd>,
    ) -> Result<u64, LaunchTarget>;
    #[returns(#[handle(pipe, read)] input, #[handle(pipe, write)] output)]
    fn console(&self, cx: &Call<'_>) -> Result<(OwnedFd, OwnedFd), LaunchTarget>;
    #[returns(#[handle(event)] _)]
    fn lock(&self, cx: &Call<'_>) -> Option<OwnedFd>;
    fn handles(&self, cx: &Call<'_>, #[handle(file, read)] all: Vec<OwnedFd>) -> Vec<OwnedFd>;
    /// It has another screen.
    #[event]
    fn resized(
        #[min(1)]
        #[max(9999)]
        width: u32,
        #[added(1.2)]
        #[default(8)]
        depth: u8,
    );
    #[event]
    fn closed();
}

#[alpc_interface(
    uuid = "8e1b3f60-2d7c-4f9a-a1b2-3c4d5e6f7081",
    version = "2.0",
    name = "acme.session.SessionManager",
    endpoint = "acme.session"
)]
pub trait SessionManager {
    fn register_process(
        &self,
        cx: &Call<'_>,
        #[handle(process, query | dup)] process: OwnedFd,
        events: ProcessEventsClient,
    ) -> Result<Arc<dyn Registration>, LaunchTarget>;
    fn find(&self, cx: &Call<'_>, name: &str) -> Option<Arc<dyn Registration>>;
    fn desk(&self, cx: &Call<'_>) -> Desk;

    /// Told to all.
    #[event]
    fn session_changed(session: u32, #[max(64)] state: &str, image: &[u8], by: RegistrationRef);
    #[event]
    #[wire_name = "gone"]
    fn handle_gone(
        which: OwnedFd,
        #[handle(file)] other: Option<OwnedFd>,
        rest: Option<Vec<u8>>,
        desk: Desk,
    );
}
