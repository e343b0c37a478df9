#[derive(Alpc, Clone, Debug, PartialEq)]
#[alpc(error, name = "acme.inheritance.DeviceError")]
pub enum DeviceError {
    /// there is no device any more
    Gone,
    Unrecognized { tag: u32, payload: Vec<u8> },
}

/// Whatever is plugged in.
#[alpc_interface(
    uuid = "5f2d1c60-6d0f-4f0a-9a57-0d9f3c1b7e01",
    version = "1.0",
    name = "acme.inheritance.Device"
)]
pub trait Device {
    fn name(&self, cx: &Call<'_>) -> String;
    fn rename(
        &self,
        cx: &Call<'_>,
        #[min(1)]
        #[max(16)]
        name: &str,
    ) -> Result<(), DeviceError>;
    #[event]
    fn unplugged(reason: &str);
}

#[alpc_interface(name = "acme.inheritance.Camera")]
pub trait Camera: Device {
    fn zoom(
        &self,
        cx: &Call<'_>,
        #[min(1.0)]
        #[max(8.0)]
        factor: f32,
    ) -> f32;
    #[event]
    fn focused(distance: f32);
}

#[alpc_interface(name = "acme.inheritance.Recorder")]
pub trait Recorder: Device + Send + Sync + 'static {
    fn start(&self, cx: &Call<'_>) -> u64;
}

/// What both of its bases have from `Device` it has once.
#[alpc_interface(name = "acme.inheritance.Phone", version = "2.1")]
pub trait Phone: Camera + Recorder {
    fn ring(&self, cx: &Call<'_>);
    #[event]
    fn rings(caller: &str);
}

#[alpc_interface(name = "acme.inheritance.Silent")]
pub trait Silent: Send + Phone {}

#[alpc_interface(name = "acme.inheritance.Registry")]
pub trait Registry {
    fn phone(&self, cx: &Call<'_>) -> std::sync::Arc<dyn Phone>;
    fn add(&self, cx: &Call<'_>, device: DeviceRef) -> String;
    fn hear(&self, cx: &Call<'_>, camera: CameraRef) -> String;
}
