//! Bases: what a trait inherits from, and what it has from there.

use alpc_rpc::prelude::*;

mod devices {
    use alpc_rpc::prelude::*;

    #[alpc_interface(name = "acme.devices.Device")]
    pub trait Device {
        fn name(&self) -> String;
        #[event]
        fn unplugged();
    }
}
use devices::{Device, DeviceClient, DeviceRef};

// Its own method would hide the one that it inherits.
#[alpc_interface(name = "acme.devices.Camera")]
trait Camera: Device {
    fn zoom(&self, factor: f32);
    fn name(&self) -> u32;
}

// An event is one of the names, too.
#[alpc_interface(name = "acme.devices.Recorder")]
trait Recorder: devices::Device {
    fn unplugged(&self);
}

#[alpc_interface(name = "acme.devices.Twice")]
trait Twice: Device + Device {}

#[alpc_interface(name = "acme.devices.Generic")]
trait Generic: Into<u32> {}

#[alpc_interface(name = "acme.devices.Higher")]
trait Higher: for<'a> PartialEq<&'a str> {}

// Traits of the standard library are no bases, if they are named by their full path.
#[alpc_interface(name = "acme.devices.Shown")]
trait Shown: Send + std::fmt::Debug + 'static {
    fn show(&self);
}

trait Plain {}

#[alpc_interface(name = "acme.devices.OfPlain")]
trait OfPlain: Plain {}

fn main() {}
