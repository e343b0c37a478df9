//! A telephone, which is a camera, a recorder and a device, and who registers devices.

use std::sync::{Arc, Mutex, PoisonError};

use alpc_rpc::prelude::*;

use super::api::{
    Camera, CameraEmitter, CameraRef, Device, DeviceClient, DeviceEmitter, DeviceError, DeviceRef,
    Phone, PhoneEmitter, Recorder, Registry, RegistryServer, Silent, SilentServer,
};

/// Each interface has an emitter for its own events.
#[derive(Debug)]
pub struct Handset {
    name: Mutex<String>,
    device: DeviceEmitter,
    camera: CameraEmitter,
    phone: PhoneEmitter,
}

impl Handset {
    /// One of that name.
    pub fn new(name: &str) -> Handset {
        Handset {
            name: Mutex::new(name.to_owned()),
            device: DeviceEmitter::new(),
            camera: CameraEmitter::new(),
            phone: PhoneEmitter::new(),
        }
    }
}

impl Device for Handset {
    fn name(&self, _: &Call<'_>) -> String {
        self.name.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn rename(&self, _: &Call<'_>, name: &str) -> Result<(), DeviceError> {
        if name == "gone" {
            return Err(DeviceError::Gone);
        }
        let mut own = self.name.lock().unwrap_or_else(PoisonError::into_inner);
        let reason = format!("{own} is {name}");
        name.clone_into(&mut own);
        drop(own);
        let _told = self.device.unplugged(&reason);
        Ok(())
    }

    fn emitter(&self) -> &DeviceEmitter {
        &self.device
    }
}

impl Camera for Handset {
    fn zoom(&self, _: &Call<'_>, factor: f32) -> f32 {
        let _told = self.camera.focused(factor);
        factor * 2.0
    }

    fn emitter(&self) -> &CameraEmitter {
        &self.camera
    }
}

impl Recorder for Handset {
    fn start(&self, _: &Call<'_>) -> u64 {
        7
    }
}

impl Phone for Handset {
    fn ring(&self, _: &Call<'_>) {
        let _told = self.phone.rings("somebody");
    }

    fn emitter(&self) -> &PhoneEmitter {
        &self.phone
    }
}

impl Silent for Handset {}

/// Who registers.
#[derive(Debug)]
pub struct Desk {
    phone: Arc<Handset>,
}

impl Registry for Desk {
    fn phone(&self, _: &Call<'_>) -> Arc<dyn Phone> {
        self.phone.clone()
    }

    fn add(&self, cx: &Call<'_>, device: DeviceRef) -> String {
        match device {
            DeviceRef::Local(device) => format!("our {}", device.name(cx)),
            DeviceRef::Remote(device) => match device.name() {
                Ok(name) => format!("their {name}"),
                Err(error) => error.to_string(),
            },
        }
    }

    fn hear(&self, cx: &Call<'_>, camera: CameraRef) -> String {
        let heard = match camera {
            CameraRef::Local(camera) => return format!("our {}", camera.name(cx)),
            CameraRef::Remote(camera) => {
                let device: &DeviceClient = camera.as_ref();
                let (mut focused, mut unplugged) = (camera.events(), device.events());
                let called = camera.zoom(3.0).map(|_| ());
                let called = called.map(|()| camera.rename("new").map_err(|_| ()));
                format!("{called:?} {:?} {:?}", focused.next(), unplugged.next())
            }
        };
        heard.replace('"', "")
    }
}

/// Serves the desk, and a telephone at the same port.
pub fn serve(port: alpc_rpc::ServerBuilder) -> alpc_rpc::ServerBuilder {
    let desk = Desk { phone: Arc::new(Handset::new("desk phone")) };
    let silent = SilentServer::new(Handset::new("silent phone"));
    port.interface(RegistryServer::new(desk)).interface(silent)
}
