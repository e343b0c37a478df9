//! Calls that are answered later, or never, of an object that was handed on to another server.

use super::*;

/// Has others print.
#[alpc_interface(name = "test.later.Agency", version = "1.0")]
trait Agency {
    /// Why it was not printed.
    fn order(&self, press: PressClient) -> String;
}

struct Agent;

impl Agency for Agent {
    fn order(&self, press: PressClient) -> String {
        let error = press.print(1, "page").unwrap_err();
        error.transport().unwrap().to_string()
    }
}

#[test]
fn a_caller_hears_that_nobody_will_answer_through_a_third_party_too() {
    let stage = Stage::new(1);
    let press = stage.client();
    let server = Server::bind("agency").unwrap().attributes(stage.attributes.clone());
    let _server = server.serve(AgencyServer::new(Agent)).unwrap();
    let agency = AgencyClient::connect_with("agency", &stage.attributes).unwrap();
    let ordered = std::thread::spawn(move || agency.order(press));
    drop(stage.print_job());
    let told = TransportError::Unanswered.to_string();
    assert_eq!(ordered.join().unwrap().unwrap(), told);
}
