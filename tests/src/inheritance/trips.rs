//! Calls and events by way of bases.

use std::sync::Arc;

use alpc_rpc::prelude::*;
use alpc_rpc::{CallError, Client};

use super::api::{
    CameraClient, CameraEvent, Device, DeviceClient, DeviceError, DeviceEvent, Phone, PhoneClient,
    PhoneEvent, PhoneRef, RecorderClient, RegistryClient, SilentClient,
};
use super::served::Handset;

/// What the first base has is called as one's own, and what another has through that.
pub fn methods_of_bases(desk: &RegistryClient) {
    let phone = desk.phone().unwrap();
    assert_eq!(phone.name().unwrap(), "desk phone");
    assert_eq!(phone.zoom(2.0).unwrap(), 4.0);
    let recorder: &RecorderClient = phone.as_ref();
    assert_eq!((recorder.start().unwrap(), recorder.name().unwrap().len()), (7, 10));
    phone.ring().unwrap();

    // What a base refuses and what it raises is refused and raised.
    let error = phone.rename("a name that is too long").unwrap_err();
    assert!(error.to_string().contains("the interface allows"), "{error}");
    let error = phone.rename("gone").unwrap_err();
    assert!(matches!(error, CallError::App(DeviceError::Gone)), "{error:?}");
    let owned = RecorderClient::from(phone);
    assert_eq!(owned.start().unwrap(), 7);
}

/// Each interface tells its own events, whatever inherits from it.
pub fn events_of_bases(desk: &RegistryClient) {
    let phone = desk.phone().unwrap();
    let camera: &CameraClient = phone.as_ref();
    let recorder: &RecorderClient = phone.as_ref();
    let by_recorder: &DeviceClient = recorder.as_ref();
    let mut own = phone.events();
    let mut focused = camera.events();
    let mut unplugged = by_recorder.events();
    phone.zoom(1.5).unwrap();
    phone.ring().unwrap();
    phone.rename("other").unwrap();
    assert!(matches!(own.next(), Some(Ok(PhoneEvent::Rings { caller })) if caller == "somebody"));
    assert!(matches!(focused.next(), Some(Ok(CameraEvent::Focused { distance: 1.5 }))));
    let event = unplugged.next();
    let is_it = |reason: &str| reason == "desk phone is other";
    assert!(
        matches!(&event, Some(Ok(DeviceEvent::Unplugged { reason })) if is_it(reason)),
        "{event:?}"
    );
    phone.rename("desk phone").unwrap();
}

/// An object of ours, one of theirs that comes home, and one by a reference.
pub fn objects_as_their_bases(desk: &RegistryClient) {
    let phone = desk.phone().unwrap();
    let camera: &CameraClient = &phone;
    assert_eq!(desk.add(camera).unwrap(), "our desk phone");
    assert_eq!(desk.add(RecorderClient::from(&phone)).unwrap(), "our desk phone");
    assert_eq!(desk.hear(&phone).unwrap(), "our desk phone");

    let own: Arc<dyn Phone> = Arc::new(Handset::new("my phone"));
    let as_device: Arc<dyn Device> = own.clone();
    assert_eq!(desk.add(as_device).unwrap(), "their my phone");
    let reference = super::api::CameraRef::from(PhoneRef::Local(own));
    let heard = desk.hear(reference).unwrap();
    let wanted = "Ok(Ok(())) Some(Ok(Focused { distance: 3.0 })) \
                  Some(Ok(Unplugged { reason: my phone is new }))";
    assert_eq!(heard, wanted);
    assert_eq!(desk.hear(Handset::new("another")).unwrap(), wanted.replace("my phone", "another"));
}

/// A port that serves an interface serves the clients of all its bases, and as no more than that.
pub fn clients_of_bases(silent: SilentClient, device: DeviceClient, recorder: RecorderClient) {
    assert_eq!(device.name().unwrap(), "silent phone");
    assert_eq!(recorder.start().unwrap(), 7);
    let mut events = device.events();
    silent.rename("loud phone").unwrap();
    assert!(matches!(events.next(), Some(Ok(DeviceEvent::Unplugged { .. }))));
    assert_eq!(recorder.name().unwrap(), "loud phone");

    let pretender = PhoneClient::from_core(device.core().clone());
    let error = pretender.ring().unwrap_err();
    assert!(
        matches!(&error, CallError::Transport(TransportError::Unimplemented { .. })),
        "{error:?}"
    );
}
