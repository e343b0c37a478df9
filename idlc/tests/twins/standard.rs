#[derive(Alpc)]
#[alpc(name = "acme.files.FileInfo")]
pub struct FileInfo {
    #[alpc(min = 1, max = 4096)]
    pub path: PathBuf,
    pub id: Uuid,
    pub modified: SystemTime,
    #[alpc(max = "60s", default = "30s")]
    pub kept: Duration,
    #[alpc(min = "0s", default = "0s")]
    pub seen: SystemTime,
    #[alpc(default = "/")]
    pub under: PathBuf,
    #[alpc(default = "6ba7b811-9dad-11d1-80b4-00c04fd430c8")]
    pub space: Uuid,
    #[alpc(min = "1ms")]
    pub next: Option<Duration>,
    pub digest: [u8; 64],
    pub halves: Vec<(PathBuf, SystemTime)>,
    pub outcome: Result<Vec<u8>, String>,
    pub waits: BTreeMap<Uuid, Vec<Duration>>,
}

#[derive(Alpc)]
#[alpc(error, name = "acme.files.FileError")]
pub enum FileError {
    /// {path} is gone since {since}
    Gone { path: PathBuf, since: SystemTime },
    /// wait {0}, then ask for {1}
    Later(Duration, Uuid),
    Unrecognized { tag: u32, payload: Vec<u8> },
}

#[alpc_interface(
    uuid = "1c0e4f1a-9c3e-4d5e-8f27-0b0f6b0a3c44",
    version = "1.0",
    name = "acme.files.Files"
)]
pub trait Files {
    fn stat(
        &self,
        cx: &Call<'_>,
        at: PathBuf,
        #[max(255)] parent: Option<PathBuf>,
        token: Uuid,
        #[max("30s")]
        #[default("1s")]
        ttl: Duration,
        since: Option<SystemTime>,
    ) -> Result<FileInfo, FileError>;

    #[returns(at, outcome)]
    fn open(
        &self,
        cx: &Call<'_>,
        way: Result<PathBuf, Uuid>,
    ) -> (SystemTime, Result<(), Duration>);
}
